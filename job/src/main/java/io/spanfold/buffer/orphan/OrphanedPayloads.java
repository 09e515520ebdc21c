package io.spanfold.buffer.orphan;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static io.spanfold.buffer.redis.RedisKeys.ascii;

import io.spanfold.buffer.compression.PayloadCompression;
import io.spanfold.buffer.index.SubsegmentRecord;
import io.spanfold.buffer.layout.MergedHash;
import io.spanfold.buffer.layout.MergedHash.Member;
import io.spanfold.buffer.layout.PayloadLayouts;
import io.spanfold.buffer.layout.SmallPayloadKeys;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.core.encoding.Hex;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the payloads of quarantined traces from all layouts, starting with the one that needs the
 * fewest commands. Usable once. Holds some payloads at a time.
 */
final class OrphanedPayloads {

  private static final Logger LOG = LoggerFactory.getLogger(OrphanedPayloads.class);

  /** Receives payloads. */
  @FunctionalInterface
  interface Found {
    void payload(OrphanedTrace trace, long subsegment, byte[] frames) throws InterruptedException;
  }

  /** Distributed payloads, or pages of others, read at once. */
  private static final int AT_ONCE = 16;

  /** Bytes that a page of payloads may have. */
  private static final long PAGE_BYTES = 1L << 20;

  /** Small payloads read at once: as many of the largest size as the other layouts have bytes. */
  private static final int SMALL_AT_ONCE =
      (int) (AT_ONCE * PAGE_BYTES / PayloadLayouts.SMALL_BYTES);

  /** Estimate of a small payload in the answer of a hash that has it. */
  private static final long SMALL_ESTIMATE = 1_000;

  /** More bytes than a payload can have; bounds the memory that a damaged length costs. */
  private static final long MOST_BYTES = 128L << 20;

  private final RedisPipelines pipelines;
  private final PayloadCompression compression;
  private final SmallPayloadKeys smallKeys;
  private final Map<OrphanedTrace, OrphanedIndex> indexes;
  private final Found found;

  /** Subsegments not found yet. */
  private final Map<OrphanedTrace, Map<Long, SubsegmentRecord>> wanted = new LinkedHashMap<>();

  OrphanedPayloads(
      RedisPipelines pipelines,
      PayloadCompression compression,
      SmallPayloadKeys smallKeys,
      Map<OrphanedTrace, OrphanedIndex> indexes,
      Found found) {
    this.pipelines = pipelines;
    this.compression = compression;
    this.smallKeys = smallKeys;
    this.indexes = indexes;
    this.found = found;
    indexes.forEach(
        (trace, index) -> {
          Map<Long, SubsegmentRecord> all = new LinkedHashMap<>();
          index.subsegments().forEach(subsegment -> all.put(subsegment.id(), subsegment));
          wanted.put(trace, all);
        });
  }

  /**
   * Passes each subsegment's payload on once.
   *
   * @return the subsegments without a payload
   */
  Map<OrphanedTrace, Set<Long>> read() throws InterruptedException {
    for (Map.Entry<String, List<Small>> bucket : smallByTag().entrySet()) {
      List<Small> all = bucket.getValue();
      for (int from = 0; from < all.size(); from += SMALL_AT_ONCE) {
        readSmall(bucket.getKey(), all.subList(from, Math.min(all.size(), from + SMALL_AT_ONCE)));
      }
    }
    readDistributed();
    readMerged();
    Map<OrphanedTrace, Set<Long>> lost = new LinkedHashMap<>();
    wanted.forEach(
        (trace, left) -> {
          if (!left.isEmpty()) {
            lost.put(trace, left.keySet());
          }
        });
    return lost;
  }

  /** A small payload and the subsegments that it holds. */
  private record Small(OrphanedTrace trace, long id, List<SubsegmentRecord> subsegments) {

    byte[] field() {
      return ByteBuffer.allocate(Long.BYTES).putLong(id).array();
    }
  }

  private Map<String, List<Small>> smallByTag() {
    Map<String, List<Small>> byTag = new LinkedHashMap<>();
    wanted.forEach(
        (trace, subsegments) -> {
          Map<Long, Small> ofTrace = new LinkedHashMap<>();
          for (SubsegmentRecord subsegment : subsegments.values()) {
            if (subsegment.isSmall()) {
              ofTrace
                  .computeIfAbsent(
                      subsegment.payload(), id -> new Small(trace, id, new ArrayList<>()))
                  .subsegments
                  .add(subsegment);
            }
          }
          byTag.computeIfAbsent(trace.tag(), any -> new ArrayList<>()).addAll(ofTrace.values());
        });
    return byTag;
  }

  /** Looks into all hashes of the bucket, so that a payload is found in whichever it is. */
  private void readSmall(String tag, List<Small> payloads) throws InterruptedException {
    byte[][] fields = payloads.stream().map(Small::field).toArray(byte[][]::new);
    List<RedisCommand<List<byte[]>>> gets = new ArrayList<>();
    for (String name : smallKeys.of(tag)) {
      byte[] key = ascii(name);
      gets.add(RedisCommand.of(key, REDIS.hmget(key, fields), fields.length * SMALL_ESTIMATE));
    }
    List<List<byte[]>> answers =
        pipelines.send("load %d small payloads from Redis".formatted(fields.length), gets);
    for (int i = 0; i < fields.length; i++) {
      // A batch that was written again after a failure is in two generations.
      for (int j = 0; j < answers.size() && !take(payloads.get(i), answers.get(j).get(i)); j++) {
        // The next hash.
      }
    }
  }

  /** Returns whether {@code stored} is the payload and can be read. */
  private boolean take(Small payload, byte[] stored) throws InterruptedException {
    Optional<byte[]> frames = decompress(payload.trace, payload.id, stored);
    if (frames.isEmpty()) {
      return false;
    }
    for (SubsegmentRecord subsegment : payload.subsegments) {
      long end = subsegment.offset() + subsegment.frameBytes();
      if (subsegment.offset() < 0 || end > frames.get().length) {
        LOG.warn(
            "The payload of trace {} does not contain subsegment {}",
            payload.trace.trace(),
            Hex.id(subsegment.id()));
      } else {
        take(
            payload.trace,
            subsegment.id(),
            Arrays.copyOfRange(frames.get(), subsegment.offset(), (int) end));
      }
    }
    return true;
  }

  private void readDistributed() throws InterruptedException {
    List<Wanted> all = new ArrayList<>();
    wanted.forEach((trace, ids) -> ids.keySet().forEach(id -> all.add(new Wanted(trace, id))));
    for (int from = 0; from < all.size(); from += AT_ONCE) {
      List<Wanted> some = all.subList(from, Math.min(all.size(), from + AT_ONCE));
      List<RedisCommand<byte[]>> gets = new ArrayList<>(some.size());
      for (Wanted each : some) {
        byte[] key = ascii(RedisKeys.payload(each.trace.trace(), each.id));
        gets.add(RedisCommand.of(key, REDIS.get(key), PAGE_BYTES / AT_ONCE));
      }
      List<byte[]> stored =
          pipelines.send("load %d quarantined payloads from Redis".formatted(gets.size()), gets);
      for (int i = 0; i < some.size(); i++) {
        takeStored(some.get(i).trace, some.get(i).id, stored.get(i));
      }
    }
  }

  private record Wanted(OrphanedTrace trace, long id) {}

  private void readMerged() throws InterruptedException {
    List<OpenHash> waiting = new ArrayList<>();
    wanted.forEach(
        (trace, ids) -> {
          if (!ids.isEmpty()) {
            for (long segment : indexes.get(trace).segmentsWithMergedPayloads()) {
              waiting.add(new OpenHash(trace, new MergedHash(trace.mergedKey(segment))));
            }
          }
        });
    for (int from = 0; from < waiting.size(); from += AT_ONCE) {
      List<OpenHash> open = waiting.subList(from, Math.min(waiting.size(), from + AT_ONCE));
      while (!open.isEmpty()) {
        List<List<Member>> pages =
            MergedHash.nextPages(pipelines, open.stream().map(OpenHash::hash).toList());
        for (int i = 0; i < pages.size(); i++) {
          OrphanedTrace trace = open.get(i).trace();
          for (Member member : pages.get(i)) {
            if (wanted.get(trace).containsKey(member.subsegment())) {
              takeStored(trace, member.subsegment(), member.payload());
            }
          }
        }
        open =
            open.stream()
                .filter(each -> !each.hash().isComplete() && !wanted.get(each.trace()).isEmpty())
                .toList();
      }
    }
  }

  private record OpenHash(OrphanedTrace trace, MergedHash hash) {}

  /** Passes a payload on, unless it is missing or damaged: another layout may have it too. */
  private void takeStored(OrphanedTrace trace, long id, byte[] stored) throws InterruptedException {
    Optional<byte[]> frames = decompress(trace, id, stored);
    if (frames.isPresent()) {
      take(trace, id, frames.get());
    }
  }

  private void take(OrphanedTrace trace, long subsegment, byte[] frames)
      throws InterruptedException {
    found.payload(trace, subsegment, frames);
    wanted.get(trace).remove(subsegment);
  }

  private Optional<byte[]> decompress(OrphanedTrace trace, long id, byte[] stored) {
    if (stored == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(compression.decompress(stored, MOST_BYTES));
    } catch (IllegalArgumentException e) {
      LOG.warn(
          "The payload {} of trace {} cannot be read: {}",
          Hex.id(id),
          trace.trace(),
          e.getMessage());
      return Optional.empty();
    }
  }
}

package io.spanfold.buffer.orphan;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static io.spanfold.buffer.redis.RedisKeys.ascii;

import io.spanfold.buffer.compression.PayloadCompression;
import io.spanfold.buffer.layout.MergedSet;
import io.spanfold.buffer.layout.MergedSet.Member;
import io.spanfold.buffer.layout.PayloadLayouts;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.core.encoding.Hex;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
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

  /** Small payloads of the largest size that fill a page. */
  private static final int SMALL_PAGE = (int) (PAGE_BYTES / PayloadLayouts.SMALL_BYTES);

  /** More bytes than a subsegment can have; bounds the memory that a damaged length costs. */
  private static final long MOST_BYTES = 128L << 20;

  private final RedisPipelines pipelines;
  private final PayloadCompression compression;
  private final Map<OrphanedTrace, OrphanedIndex> indexes;
  private final Found found;

  /** Subsegments not found yet. */
  private final Map<OrphanedTrace, Set<Long>> wanted = new LinkedHashMap<>();

  OrphanedPayloads(
      RedisPipelines pipelines,
      PayloadCompression compression,
      Map<OrphanedTrace, OrphanedIndex> indexes,
      Found found) {
    this.pipelines = pipelines;
    this.compression = compression;
    this.indexes = indexes;
    this.found = found;
    indexes.forEach((trace, index) -> wanted.put(trace, new LinkedHashSet<>(index.subsegments())));
  }

  /**
   * Passes each subsegment's payload on once.
   *
   * @return the subsegments without a payload
   */
  Map<OrphanedTrace, Set<Long>> read() throws InterruptedException {
    readSmall();
    readDistributed();
    readMerged();
    wanted.values().removeIf(Set::isEmpty);
    return wanted;
  }

  private void readSmall() throws InterruptedException {
    List<Wanted> pages = wantedInPages(SMALL_PAGE);
    long most = 0;
    int first = 0;
    for (int next = 0; next < pages.size(); next++) {
      long bytes = mostBytes(pages.get(next));
      if (most + bytes > AT_ONCE * PAGE_BYTES) {
        readSmall(pages.subList(first, next));
        first = next;
        most = 0;
      }
      most += bytes;
    }
    readSmall(pages.subList(first, pages.size()));
  }

  private void readSmall(List<Wanted> pages) throws InterruptedException {
    List<RedisCommand<List<byte[]>>> gets = new ArrayList<>(pages.size());
    for (Wanted page : pages) {
      byte[] key = ascii(page.trace.smallPayloadsKey());
      byte[][] fields = page.ids.stream().map(id -> ascii(Hex.id(id))).toArray(byte[][]::new);
      gets.add(RedisCommand.of(key, REDIS.hmget(key, fields), mostBytes(page)));
    }
    List<List<byte[]>> answers =
        pipelines.send("load the small payloads of %d traces".formatted(gets.size()), gets);
    for (int i = 0; i < pages.size(); i++) {
      Wanted page = pages.get(i);
      for (int j = 0; j < page.ids.size(); j++) {
        take(page.trace, page.ids.get(j), answers.get(i).get(j));
      }
    }
  }

  private static long mostBytes(Wanted small) {
    return (long) small.ids.size() * PayloadLayouts.SMALL_BYTES;
  }

  private void readDistributed() throws InterruptedException {
    List<Wanted> all = wantedInPages(1);
    for (int from = 0; from < all.size(); from += AT_ONCE) {
      List<Wanted> some = all.subList(from, Math.min(all.size(), from + AT_ONCE));
      List<RedisCommand<byte[]>> gets = new ArrayList<>(some.size());
      for (Wanted each : some) {
        byte[] key = ascii(RedisKeys.payload(each.trace.trace(), each.ids.get(0)));
        gets.add(RedisCommand.of(key, REDIS.get(key), PAGE_BYTES / AT_ONCE));
      }
      List<byte[]> stored =
          pipelines.send("load %d quarantined payloads from Redis".formatted(gets.size()), gets);
      for (int i = 0; i < some.size(); i++) {
        take(some.get(i).trace, some.get(i).ids.get(0), stored.get(i));
      }
    }
  }

  /** Returns the subsegments not found yet, up to {@code size} of a trace in a page. */
  private List<Wanted> wantedInPages(int size) {
    List<Wanted> pages = new ArrayList<>();
    wanted.forEach(
        (trace, ids) -> {
          List<Long> left = List.copyOf(ids);
          for (int from = 0; from < left.size(); from += size) {
            pages.add(new Wanted(trace, left.subList(from, Math.min(left.size(), from + size))));
          }
        });
    return pages;
  }

  private record Wanted(OrphanedTrace trace, List<Long> ids) {}

  private void readMerged() throws InterruptedException {
    List<OpenSet> waiting = new ArrayList<>();
    wanted.forEach(
        (trace, ids) -> {
          if (!ids.isEmpty()) {
            for (long segment : indexes.get(trace).segmentsWithMergedPayloads()) {
              waiting.add(new OpenSet(trace, new MergedSet(trace.segmentKey(segment))));
            }
          }
        });
    for (int from = 0; from < waiting.size(); from += AT_ONCE) {
      List<OpenSet> open = waiting.subList(from, Math.min(waiting.size(), from + AT_ONCE));
      while (!open.isEmpty()) {
        List<List<Member>> pages =
            MergedSet.nextPages(pipelines, open.stream().map(OpenSet::set).toList());
        for (int i = 0; i < pages.size(); i++) {
          OrphanedTrace trace = open.get(i).trace();
          for (Member member : pages.get(i)) {
            if (wanted.get(trace).contains(member.subsegment())) {
              take(trace, member.subsegment(), member.payload());
            }
          }
        }
        open =
            open.stream()
                .filter(each -> !each.set().isComplete() && !wanted.get(each.trace()).isEmpty())
                .toList();
      }
    }
  }

  private record OpenSet(OrphanedTrace trace, MergedSet set) {}

  /** Passes a payload on, unless it is missing or damaged: another layout may have it too. */
  private void take(OrphanedTrace trace, long id, byte[] stored) throws InterruptedException {
    if (stored == null) {
      return;
    }
    byte[] frames;
    try {
      frames = compression.decompress(stored, MOST_BYTES);
    } catch (IllegalArgumentException e) {
      LOG.warn(
          "The payload of subsegment {} of trace {} cannot be read: {}",
          Hex.id(id),
          trace.trace(),
          e.getMessage());
      return;
    }
    found.payload(trace, id, frames);
    wanted.get(trace).remove(id);
  }
}

package io.spanfold.buffer.orphan;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static io.spanfold.buffer.redis.RedisKeys.ascii;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.buffer.compression.PayloadCompression;
import io.spanfold.buffer.layout.MergedLayout;
import io.spanfold.buffer.layout.PayloadLayouts;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.core.encoding.Hex;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/**
 * Reads the payloads of traces that were set aside, wherever they are: first where they are read
 * with the fewest commands. For one use. In memory are some at a time.
 */
final class OrphanedPayloads {

  private static final Logger LOG = LoggerFactory.getLogger(OrphanedPayloads.class);

  /** Takes what was found. */
  @FunctionalInterface
  interface Found {
    void payload(OrphanedTrace trace, long subsegment, byte[] frames) throws InterruptedException;
  }

  /** How many payloads that are kept one by one, or pages of others, are asked for at once. */
  private static final int AT_ONCE = 16;

  /** What a page of merged payloads is to bring, and what the first has, as nothing is known. */
  private static final long PAGE_BYTES = 1L << 20;

  private static final int FIRST_PAGE = 10;

  private static final int LARGEST_PAGE = 1_000;

  /** As many small ones as come to a page's bytes where all are as large as they may be. */
  private static final int SMALL_PAGE = (int) (PAGE_BYTES / PayloadLayouts.SMALL_BYTES);

  /** Far more than a subsegment can have, so that a damaged length costs no memory. */
  private static final long MOST_BYTES = 128L << 20;

  private final RedisPipelines pipelines;
  private final PayloadCompression compression;
  private final Map<OrphanedTrace, OrphanedIndex> indexes;
  private final Found found;

  /** What was not found yet. */
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
   * Hands on each subsegment's payload, once.
   *
   * @return those that have none
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
          pipelines.send("load %d abandoned payloads from Redis".formatted(gets.size()), gets);
      for (int i = 0; i < some.size(); i++) {
        take(some.get(i).trace, some.get(i).ids.get(0), stored.get(i));
      }
    }
  }

  /** Returns what was not found yet, so many subsegments of a trace at a time. */
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
              waiting.add(new OpenSet(trace, ascii(trace.segmentKey(segment))));
            }
          }
        });
    for (int from = 0; from < waiting.size(); from += AT_ONCE) {
      List<OpenSet> open = waiting.subList(from, Math.min(waiting.size(), from + AT_ONCE));
      while (!open.isEmpty()) {
        List<ScanResult<byte[]>> pages =
            pipelines.send(
                "read %d abandoned merged sets from Redis".formatted(open.size()),
                open.stream().map(OpenSet::nextPage).toList());
        List<OpenSet> further = new ArrayList<>();
        for (int i = 0; i < pages.size(); i++) {
          if (open.get(i).take(pages.get(i))) {
            further.add(open.get(i));
          }
        }
        open = further;
      }
    }
  }

  /** The merged payloads of a segment, as they are read. */
  private final class OpenSet {
    private final OrphanedTrace trace;
    private final byte[] key;
    private byte[] cursor = ScanParams.SCAN_POINTER_START_BINARY;
    private int count = FIRST_PAGE;

    OpenSet(OrphanedTrace trace, byte[] key) {
      this.trace = trace;
      this.key = key;
    }

    RedisCommand<ScanResult<byte[]>> nextPage() {
      return RedisCommand.of(
          key, REDIS.sscan(key, cursor, new ScanParams().count(count)), PAGE_BYTES);
    }

    /** Returns whether there is more to read, and to find. */
    boolean take(ScanResult<byte[]> page) throws InterruptedException {
      long bytes = 0;
      for (byte[] member : page.getResult()) {
        bytes += member.length;
        if (member.length <= MergedLayout.ID_DIGITS) {
          continue; // None of ours.
        }
        long id = Hex.parseId(new String(member, 0, MergedLayout.ID_DIGITS, US_ASCII));
        if (wanted.get(trace).contains(id)) {
          OrphanedPayloads.this.take(
              trace, id, Arrays.copyOfRange(member, MergedLayout.ID_DIGITS, member.length));
        }
      }
      if (bytes > 0) {
        long average = Math.max(1, bytes / page.getResult().size());
        count = (int) Math.max(1, Math.min(LARGEST_PAGE, PAGE_BYTES / average));
      }
      cursor = page.getCursorAsBytes();
      return !page.isCompleteIteration() && !wanted.get(trace).isEmpty();
    }
  }

  /** Hands on a payload, unless it is missing or damaged: it may be somewhere else as well. */
  private void take(OrphanedTrace trace, long id, byte[] stored) throws InterruptedException {
    if (stored == null) {
      return;
    }
    byte[] frames;
    try {
      frames = compression.decompress(stored, MOST_BYTES);
    } catch (IllegalArgumentException e) {
      LOG.warn(
          "A payload of subsegment {} of trace {} cannot be read: {}",
          Hex.id(id),
          trace.trace(),
          e.getMessage());
      return;
    }
    found.payload(trace, id, frames);
    wanted.get(trace).remove(id);
  }
}

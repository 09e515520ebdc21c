package io.spanfold.buffer.orphan;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static io.spanfold.buffer.redis.RedisKeys.ascii;

import io.spanfold.buffer.index.LargeRecord;
import io.spanfold.buffer.index.TraceField;
import io.spanfold.buffer.redis.BufferKey;
import io.spanfold.buffer.redis.HashScan;
import io.spanfold.buffer.redis.KeyScan;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisNodes;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.RedisScript;
import io.spanfold.buffer.redis.RetryPolicy;
import io.spanfold.core.model.TraceKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Renames the index of a lost job, bucket by bucket. Costs one rename for each bucket and each
 * large trace, and one for each of its segments if it has merged payloads. Small and large payloads
 * stay where they are: nothing that a later job writes has their names.
 *
 * <p>The records of a bucket are renamed last. So a quarantine that was cut off is continued by the
 * next one under the same keys: a bucket whose records are still in place is not complete.
 */
final class Quarantine {

  private static final RedisScript RENAME = RedisScript.load("quarantine.lua");

  private static final byte[] MERGED = ascii("merged");

  /** The pattern of the fields that name a segment of a large trace. */
  private static final byte[] SEGMENTS = ascii("s????????");

  private static final int FIELDS_AT_ONCE = 1_000;
  private static final long PAGE_BYTES = 50_000;

  private final RedisNodes nodes;
  private final RedisPipelines pipelines;
  private final RetryPolicy retries;
  private final byte[] ttlSeconds;

  /** The number under which each bucket's records are quarantined, by hash tag. */
  private final Map<String, Integer> rounds = new HashMap<>();

  private record Rename(String from, String to) {}

  Quarantine(RedisNodes nodes, RedisPipelines pipelines, RetryPolicy retries, long ttlSeconds) {
    this.nodes = nodes;
    this.pipelines = pipelines;
    this.retries = retries;
    this.ttlSeconds = ascii(Long.toString(ttlSeconds));
  }

  /** Runs it; returns how many traces were quarantined. */
  long run() {
    scan(RedisKeys.ALL_LARGE_TRACES, this::renameLarge);
    AtomicLong traces = new AtomicLong();
    scan(
        RedisKeys.ALL_TRACES,
        page -> page.forEach(bucket -> traces.addAndGet(renameRecords(bucket.tag()))));
    return traces.get();
  }

  private void scan(String prefix, Consumer<List<BufferKey>> visitor) {
    KeyScan scan = KeyScan.twice(nodes, retries, prefix);
    for (List<String> page = scan.next(); page != null; page = scan.next()) {
      visitor.accept(page.stream().map(BufferKey::parse).flatMap(Optional::stream).toList());
    }
  }

  /** The merged payloads first, because the record names them. */
  private void renameLarge(List<BufferKey> traces) {
    List<Rename> payloads = new ArrayList<>();
    List<BufferKey> merged = withMergedPayloads(traces);
    List<Set<Long>> segments = segments(merged);
    for (int i = 0; i < merged.size(); i++) {
      TraceKey trace = merged.get(i).trace();
      String tag = merged.get(i).tag();
      int round = round(tag);
      for (long segment : segments.get(i)) {
        payloads.add(
            new Rename(
                RedisKeys.merged(tag, trace, segment),
                RedisKeys.quarantinedMerged(tag, round, trace, segment)));
      }
    }
    rename(payloads);
    rename(
        traces.stream()
            .map(
                each ->
                    new Rename(
                        RedisKeys.largeTrace(each.tag(), each.trace()),
                        RedisKeys.quarantinedLargeTrace(
                            each.tag(), round(each.tag()), each.trace())))
            .toList());
  }

  private List<BufferKey> withMergedPayloads(List<BufferKey> traces) {
    List<byte[]> flags =
        pipelines.send(
            "read %d large traces in Redis".formatted(traces.size()),
            traces.stream()
                .map(each -> RedisCommand.of(largeKey(each), REDIS.hget(largeKey(each), MERGED), 0))
                .toList());
    List<BufferKey> merged = new ArrayList<>();
    for (int i = 0; i < traces.size(); i++) {
      if (flags.get(i) != null) {
        merged.add(traces.get(i));
      }
    }
    return merged;
  }

  private List<Set<Long>> segments(List<BufferKey> traces) {
    List<Set<Long>> segments = new ArrayList<>();
    traces.forEach(trace -> segments.add(new HashSet<>()));
    new HashScan(
            pipelines,
            "read the segments of %d traces in Redis".formatted(traces.size()),
            SEGMENTS,
            FIELDS_AT_ONCE,
            PAGE_BYTES)
        .visit(
            traces.stream().map(Quarantine::largeKey).toList(),
            (i, name, value) ->
                LargeRecord.visit(
                    name,
                    value,
                    new LargeRecord.Visitor() {
                      @Override
                      public void segment(
                          long id, long subsegments, long spans, long bytes, boolean hasRoot) {
                        segments.get(i).add(id);
                      }
                    }));
    return segments;
  }

  private static byte[] largeKey(BufferKey large) {
    return ascii(RedisKeys.largeTrace(large.tag(), large.trace()));
  }

  /** Returns how many traces the records are of; 0 if they are gone. */
  private long renameRecords(String tag) {
    String name = RedisKeys.traces(tag);
    byte[] key = ascii(name);
    long fields = pipelines.send("count traces in Redis", RedisCommand.of(key, REDIS.hlen(key), 0));
    byte[] sentinel =
        pipelines.send(
            "count traces in Redis", RedisCommand.of(key, REDIS.hget(key, TraceField.SENTINEL), 0));
    long renamed = rename(List.of(new Rename(name, RedisKeys.quarantinedTraces(tag, round(tag)))));
    return renamed * (sentinel == null ? fields : fields - 1);
  }

  /** Returns how many keys were renamed. */
  private long rename(List<Rename> renames) {
    List<RedisCommand<Object>> calls = new ArrayList<>(renames.size());
    for (Rename each : renames) {
      byte[] from = ascii(each.from);
      calls.add(
          new RedisCommand<>(
              from,
              REDIS.evalsha(RENAME.sha1(), List.of(from, ascii(each.to)), List.of(ttlSeconds)),
              2L * from.length,
              RENAME));
    }
    return pipelines.send("quarantine %d keys in Redis".formatted(calls.size()), calls).stream()
        .mapToLong(answer -> (Long) answer)
        .sum();
  }

  /**
   * Returns the lowest number under which no records of the bucket are in quarantine. It is above 0
   * if another job was lost before everything was adopted: merging its records would take time and
   * memory in proportion to their size.
   */
  private int round(String tag) {
    return rounds.computeIfAbsent(
        tag,
        any -> {
          int round = 0;
          while (exists(ascii(RedisKeys.quarantinedTraces(tag, round)))) {
            round++;
          }
          return round;
        });
  }

  private boolean exists(byte[] key) {
    return pipelines.send(
        "look into the quarantine in Redis", RedisCommand.of(key, REDIS.exists(key), 0));
  }
}

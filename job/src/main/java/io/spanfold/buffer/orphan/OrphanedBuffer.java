package io.spanfold.buffer.orphan;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static io.spanfold.buffer.redis.RedisKeys.ascii;

import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.compression.KnownDictionaries;
import io.spanfold.buffer.compression.PayloadCompression;
import io.spanfold.buffer.lease.LeaseStore;
import io.spanfold.buffer.redis.KeyScan;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisNodes;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.RedisScript;
import io.spanfold.buffer.redis.RetryPolicy;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.TraceKey;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The data in Redis of a job whose state is lost. It is quarantined first, under keys of its own,
 * so that it is never mixed with the data of the next job.
 *
 * <p>Retries and failures are those of {@link io.spanfold.buffer.SegmentStore}. For use by one
 * thread at a time, which it blocks. Holds the ids of a page of traces and some payloads.
 */
public final class OrphanedBuffer implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(OrphanedBuffer.class);

  private static final RedisScript QUARANTINE = RedisScript.load("quarantine.lua");

  private static final Pattern QUARANTINED_KEY =
      Pattern.compile(
          Pattern.quote(RedisKeys.QUARANTINED_INDEXES)
              + "\\{(\\d{1,19}):([0-9a-f]{16})([0-9a-f]{16})\\}:(\\d{1,9})");

  /** Traces read or removed at once. */
  private static final int TRACES_AT_ONCE = 100;

  /** Keys of one command. */
  private static final int KEYS_AT_ONCE = 1_000;

  private final StoreSettings settings;
  private final RetryPolicy retries;
  private final RedisNodes nodes;
  private final RedisPipelines pipelines;
  private final KnownDictionaries dictionaries;
  private final PayloadCompression compression;

  private OrphanedBuffer(StoreSettings settings, RetryPolicy retries) {
    this.settings = settings;
    this.retries = retries;
    this.nodes = RedisNodes.connect(settings.redis(), retries);
    this.pipelines = new RedisPipelines(nodes, retries);
    this.dictionaries = new KnownDictionaries(pipelines, retries.clock());
    this.compression = new PayloadCompression(PayloadCompression.OFF, dictionaries::find);
  }

  /** Receives payloads. */
  @FunctionalInterface
  public interface Visitor {
    /**
     * Receives a payload.
     *
     * @param segment its segment by the index
     * @param frames as {@code io.spanfold.core.payload.SpanFrames} lays them out
     */
    void payload(OrphanedTrace trace, long segment, long subsegment, byte[] frames)
        throws InterruptedException;
  }

  /**
   * Counts of segments and missing payloads.
   *
   * @param segments the segments
   * @param lostSubsegments the subsegments without a payload
   */
  public record Contents(int segments, int lostSubsegments) {}

  /** Iterates over the quarantined traces. */
  public final class Pages {
    private final KeyScan scan = new KeyScan(nodes, retries, RedisKeys.QUARANTINED_INDEXES);
    private final Deque<OrphanedTrace> found = new ArrayDeque<>();

    private Pages() {}

    /** Returns some of the traces, perhaps none; null at the end. */
    public List<OrphanedTrace> next() {
      if (found.isEmpty()) {
        List<String> keys = scan.next();
        if (keys == null) {
          return null;
        }
        keys.stream()
            .map(OrphanedBuffer::trace)
            .filter(Objects::nonNull)
            .distinct()
            .forEach(found::add);
      }
      List<OrphanedTrace> page = new ArrayList<>();
      while (page.size() < TRACES_AT_ONCE && !found.isEmpty()) {
        page.add(found.remove());
      }
      return page;
    }
  }

  /**
   * Connects.
   *
   * @throws StoreException if Redis cannot be reached
   */
  public static OrphanedBuffer connect(StoreSettings settings) {
    return new OrphanedBuffer(settings, settings.redis().retries());
  }

  /**
   * Quarantines all traces that have an index: one script call each. Call it before the new job
   * writes anything. May be repeated.
   *
   * @return the number of traces
   */
  public long quarantine() {
    List<byte[]> ttl = List.of(ascii(Long.toString(settings.ttl().toSeconds())));
    KeyScan scan = new KeyScan(nodes, retries, RedisKeys.ALL_INDEXES);
    long traces = 0;
    for (List<String> page = scan.next(); page != null; page = scan.next()) {
      List<RedisCommand<Object>> calls = new ArrayList<>(page.size());
      for (String name : page) {
        byte[] key = ascii(name);
        calls.add(RedisCommand.call(QUARANTINE, key, ttl));
      }
      for (Object done :
          pipelines.send("quarantine %d traces in Redis".formatted(calls.size()), calls)) {
        traces += (Long) done;
      }
    }
    return traces;
  }

  /**
   * Returns the epoch of the lease that Redis has now; 0 if there is no lease.
   *
   * @throws StoreException if Redis does not answer
   */
  public long leaseEpoch() {
    return LeaseStore.epoch(pipelines);
  }

  /** Starts an iteration. A trace that is still there may be returned twice. */
  public Pages pages() {
    return new Pages();
  }

  /** Passes the payloads of a page of traces to {@code visitor}, each subsegment once. */
  public Contents read(List<OrphanedTrace> traces, Visitor visitor) throws InterruptedException {
    int segments = 0;
    Map<OrphanedTrace, OrphanedIndex> known = OrphanedIndex.read(pipelines, traces);
    for (OrphanedIndex index : known.values()) {
      segments += (int) index.subsegments().stream().map(index::segmentOf).distinct().count();
    }
    Map<OrphanedTrace, Set<Long>> lost =
        new OrphanedPayloads(
                pipelines,
                compression,
                known,
                (trace, subsegment, frames) ->
                    visitor.payload(
                        trace, known.get(trace).segmentOf(subsegment), subsegment, frames))
            .read();
    lost.forEach(
        (trace, ids) ->
            LOG.warn(
                "Redis has no payload for {} subsegments of trace {}", ids.size(), trace.trace()));
    return new Contents(segments, lost.values().stream().mapToInt(Set::size).sum());
  }

  /** Removes quarantined traces with their payloads. Works in a full Redis. */
  public void remove(List<OrphanedTrace> traces) {
    for (int from = 0; from < traces.size(); from += TRACES_AT_ONCE) {
      removePage(traces.subList(from, Math.min(traces.size(), from + TRACES_AT_ONCE)));
    }
  }

  private void removePage(List<OrphanedTrace> traces) {
    List<RedisCommand<Long>> payloads = new ArrayList<>();
    OrphanedIndex.read(pipelines, traces)
        .forEach(
            (trace, index) -> {
              for (long id : index.subsegments()) {
                payloads.add(unlink(List.of(RedisKeys.payload(trace.trace(), id))));
              }
              List<String> merged =
                  index.segmentsWithMergedPayloads().stream()
                      .map(segment -> trace.segmentKey(segment))
                      .toList();
              for (int from = 0; from < merged.size(); from += KEYS_AT_ONCE) {
                payloads.add(
                    unlink(merged.subList(from, Math.min(merged.size(), from + KEYS_AT_ONCE))));
              }
            });
    pipelines.send("remove adopted payloads in Redis", payloads);
    // Last, because the index names the other keys to remove.
    pipelines.send(
        "remove %d adopted traces in Redis".formatted(traces.size()),
        traces.stream()
            .map(trace -> unlink(List.of(trace.smallPayloadsKey(), trace.indexKey())))
            .toList());
  }

  /** All keys are in one slot. */
  private RedisCommand<Long> unlink(List<String> keys) {
    byte[][] names = keys.stream().map(RedisKeys::ascii).toArray(byte[][]::new);
    return RedisCommand.of(names[0], REDIS.unlink(names), (long) names.length * names[0].length);
  }

  @Override
  public void close() {
    try (dictionaries;
        compression) {
      pipelines.close();
    }
  }

  private static OrphanedTrace trace(String key) {
    Matcher parts = QUARANTINED_KEY.matcher(key);
    if (!parts.matches()) {
      LOG.warn("The key {} names no trace and is ignored", key);
      return null;
    }
    try {
      long project = Long.parseLong(parts.group(1));
      TraceKey trace =
          new TraceKey(project, Hex.parseId(parts.group(2)), Hex.parseId(parts.group(3)));
      return new OrphanedTrace(trace, Integer.parseInt(parts.group(4)));
    } catch (NumberFormatException e) {
      LOG.warn("The key {} names no project and is ignored", key);
      return null;
    }
  }
}

package io.spanfold.buffer.orphan;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static io.spanfold.buffer.redis.RedisKeys.ascii;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.compression.KnownDictionaries;
import io.spanfold.buffer.compression.PayloadCompression;
import io.spanfold.buffer.index.SubsegmentRecord;
import io.spanfold.buffer.index.TraceField;
import io.spanfold.buffer.layout.SmallPayloadKeys;
import io.spanfold.buffer.lease.LeaseStore;
import io.spanfold.buffer.redis.BufferKey;
import io.spanfold.buffer.redis.HashScan;
import io.spanfold.buffer.redis.KeyScan;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisNodes;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.RetryPolicy;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.core.model.TraceKey;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
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

  /** Traces read or removed at once. */
  private static final int TRACES_AT_ONCE = 100;

  /** Keys or fields of one command. */
  private static final int NAMES_AT_ONCE = 1_000;

  private static final byte[] ALL_FIELDS = ascii("*");

  /** Estimate of a page of records. */
  private static final long PAGE_BYTES = 50_000;

  private final StoreSettings settings;
  private final RetryPolicy retries;
  private final RedisNodes nodes;
  private final RedisPipelines pipelines;
  private final KnownDictionaries dictionaries;
  private final PayloadCompression compression;

  /** Found on first use. All that is looked for was there when the quarantine ended. */
  private SmallPayloadKeys smallKeys;

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

  /** Iterates over the quarantined traces, bucket by bucket. */
  public final class Pages {
    private Deque<BufferKey> buckets;
    private final Deque<OrphanedTrace> found = new ArrayDeque<>();

    private Pages() {}

    /** Returns some of the traces, perhaps none; null at the end. */
    public List<OrphanedTrace> next() {
      if (buckets == null) {
        buckets = buckets();
      }
      if (found.isEmpty()) {
        if (buckets.isEmpty()) {
          return null;
        }
        find(buckets.remove());
      }
      List<OrphanedTrace> page = new ArrayList<>();
      while (page.size() < TRACES_AT_ONCE && !found.isEmpty()) {
        page.add(found.remove());
      }
      return page;
    }

    /** Returns all at once: a scan that goes on for long misses keys whose slots are moved. */
    private Deque<BufferKey> buckets() {
      Set<String> keys = new LinkedHashSet<>();
      KeyScan scan = KeyScan.twice(nodes, retries, RedisKeys.QUARANTINED_TRACES);
      for (List<String> page = scan.next(); page != null; page = scan.next()) {
        keys.addAll(page);
      }
      Deque<BufferKey> parsed = new ArrayDeque<>();
      keys.forEach(key -> BufferKey.parse(key).ifPresent(parsed::add));
      return parsed;
    }

    private void find(BufferKey bucket) {
      int round = bucket.round().getAsInt();
      Set<TraceKey> traces = new LinkedHashSet<>();
      new HashScan(
              pipelines, "list quarantined traces in Redis", ALL_FIELDS, NAMES_AT_ONCE, PAGE_BYTES)
          .visit(
              List.of(ascii(RedisKeys.quarantinedTraces(bucket.tag(), round))),
              (i, name, record) -> TraceField.trace(name).ifPresent(traces::add));
      traces.forEach(trace -> found.add(new OrphanedTrace(trace, bucket.tag(), round)));
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
   * Quarantines all traces that have an index. Call it before the new job writes anything. May be
   * repeated; a call that was cut off is continued by the next one. Works in a full Redis.
   *
   * @return the number of traces that this call quarantined
   */
  public long quarantine() {
    return new Quarantine(nodes, pipelines, retries, settings.ttl().toSeconds()).run();
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
    Map<OrphanedTrace, OrphanedIndex> known = new OrphanedIndexReader(pipelines).read(traces);
    for (OrphanedIndex index : known.values()) {
      segments += index.segmentCount();
    }
    Map<OrphanedTrace, Set<Long>> lost =
        new OrphanedPayloads(
                pipelines,
                compression,
                smallKeys(),
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
    Map<OrphanedTrace, OrphanedIndex> known = new OrphanedIndexReader(pipelines).read(traces);
    pipelines.send("remove adopted payloads in Redis", removalOfPayloads(known));
    // The record last, because it names all other keys.
    pipelines.send(
        "remove large adopted traces in Redis",
        known.entrySet().stream()
            .filter(each -> each.getValue().isLarge())
            .map(each -> unlink(List.of(each.getKey().largeKey())))
            .toList());
    Map<String, List<byte[]>> records = new LinkedHashMap<>();
    for (OrphanedTrace trace : traces) {
      // Without its sentinel, the hash ends with its last trace.
      records
          .computeIfAbsent(
              new String(trace.recordsKey(), US_ASCII),
              any -> new ArrayList<>(List.of(TraceField.SENTINEL)))
          .add(trace.field());
    }
    List<RedisCommand<Long>> removals = new ArrayList<>();
    records.forEach((key, fields) -> removals.add(remove(key, fields)));
    pipelines.send("remove %d adopted traces in Redis".formatted(traces.size()), removals);
  }

  private List<RedisCommand<Long>> removalOfPayloads(Map<OrphanedTrace, OrphanedIndex> known) {
    List<RedisCommand<Long>> commands = new ArrayList<>();
    Map<String, List<byte[]>> smallByTag = new LinkedHashMap<>();
    known.forEach(
        (trace, index) -> {
          Set<Long> small = new LinkedHashSet<>();
          for (SubsegmentRecord subsegment : index.subsegments()) {
            if (subsegment.isSmall()) {
              small.add(subsegment.payload());
            } else {
              commands.add(
                  unlink(List.of(ascii(RedisKeys.payload(trace.trace(), subsegment.id())))));
            }
          }
          small.forEach(
              id ->
                  smallByTag
                      .computeIfAbsent(trace.tag(), any -> new ArrayList<>())
                      .add(ByteBuffer.allocate(Long.BYTES).putLong(id).array()));
          pages(index.segmentsWithMergedPayloads())
              .forEach(
                  page ->
                      commands.add(
                          unlink(page.stream().map(id -> ascii(trace.mergedKey(id))).toList())));
        });
    // From all generations. A payload of the new job is none of these: its id is a hash over the
    // positions of its spans, and no two jobs give adopted spans the same positions.
    smallByTag.forEach(
        (tag, fields) -> {
          for (String key : smallKeys().of(tag)) {
            pages(fields).forEach(page -> commands.add(remove(key, page)));
          }
        });
    return commands;
  }

  private static <T> List<List<T>> pages(List<T> all) {
    List<List<T>> pages = new ArrayList<>();
    for (int from = 0; from < all.size(); from += NAMES_AT_ONCE) {
      pages.add(all.subList(from, Math.min(all.size(), from + NAMES_AT_ONCE)));
    }
    return pages;
  }

  private static RedisCommand<Long> remove(String key, List<byte[]> fields) {
    byte[] name = ascii(key);
    return RedisCommand.of(
        name,
        REDIS.hdel(name, fields.toArray(byte[][]::new)),
        (long) fields.size() * fields.get(0).length);
  }

  /** All keys are in one slot. */
  private static RedisCommand<Long> unlink(List<byte[]> keys) {
    byte[][] names = keys.toArray(byte[][]::new);
    return RedisCommand.of(names[0], REDIS.unlink(names), (long) names.length * names[0].length);
  }

  private SmallPayloadKeys smallKeys() {
    if (smallKeys == null) {
      smallKeys = SmallPayloadKeys.find(nodes, retries);
    }
    return smallKeys;
  }

  @Override
  public void close() {
    try (dictionaries;
        compression) {
      pipelines.close();
    }
  }
}

package io.spanfold.buffer;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.buffer.compression.DictionaryKeeper;
import io.spanfold.buffer.compression.KnownDictionaries;
import io.spanfold.buffer.compression.PayloadCompression;
import io.spanfold.buffer.index.BucketTags;
import io.spanfold.buffer.index.IndexScripts;
import io.spanfold.buffer.index.StoredBuckets;
import io.spanfold.buffer.layout.PayloadLayout;
import io.spanfold.buffer.layout.PayloadLayout.Wanted;
import io.spanfold.buffer.layout.PayloadLayouts;
import io.spanfold.buffer.layout.SmallPayloadKeys;
import io.spanfold.buffer.layout.StoredShare;
import io.spanfold.buffer.lease.LeaseStore;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.lease.LockRefusedException;
import io.spanfold.buffer.lease.LockState;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisNodes;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.RetryPolicy;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.buffer.redis.StoreRefusedException;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.payload.SpanFrames;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The payloads in Redis and the index of traces.
 *
 * <p>Every operation returns when Redis has acknowledged all of it. It retries transient failures
 * (lost connections, failovers, moved slots, a full Redis) for the time that {@link
 * io.spanfold.buffer.redis.ConnectionSettings.Timeouts#retries} allows, and then throws a {@link
 * StoreException}. It may then have happened in part, and may be repeated with the same arguments.
 *
 * <p>For use by one thread at a time, which it blocks. Holds a connection to each node, and native
 * memory for compression and its dictionaries.
 */
public final class SegmentStore implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(SegmentStore.class);

  private final RedisNodes nodes;
  private final RetryPolicy retries;
  private final RedisPipelines pipelines;
  private final Duration ttl;
  private final BucketTags tags;
  private final IndexScripts scripts;
  private final PayloadLayouts layouts;
  private final KnownDictionaries dictionaries;
  private final PayloadCompression compression;
  private final DictionaryKeeper dictionaryKeeper;
  private final ShareCompression shareCompression;

  private SegmentStore(
      StoreSettings settings, RedisNodes nodes, RetryPolicy retries, InstantSource wallClock) {
    LongSupplier clock = retries.clock();
    this.nodes = nodes;
    this.retries = retries;
    this.pipelines = new RedisPipelines(nodes, retries);
    this.ttl = settings.ttl();
    this.tags = new BucketTags(settings.buckets());
    this.scripts = new IndexScripts(tags, ttl, wallClock);
    this.layouts = new PayloadLayouts(settings.phase(), pipelines, tags, ttl);
    this.dictionaries = new KnownDictionaries(pipelines, clock);
    this.compression = new PayloadCompression(settings.compressionLevel(), dictionaries::find);
    this.dictionaryKeeper =
        new DictionaryKeeper(
            pipelines, compression, settings.compressionDictionary(), ttl, clock, wallClock);
    this.shareCompression = new ShareCompression(layouts, compression, dictionaryKeeper);
  }

  /**
   * Opens a store; recognises a cluster.
   *
   * @throws StoreException if Redis cannot be reached within the time for retries, or refuses the
   *     login
   */
  public static SegmentStore connect(StoreSettings settings) {
    return connect(settings, settings.redis().retries(), InstantSource.system());
  }

  static SegmentStore connect(
      StoreSettings settings, RetryPolicy retries, InstantSource wallClock) {
    return new SegmentStore(
        settings, RedisNodes.connect(settings.redis(), retries), retries, wallClock);
  }

  /**
   * Compresses and stores a batch's payloads, and adds its subsegments to the index. Costs a script
   * call, an HSET and an EXPIRE for each bucket; for each large trace, and each with merged
   * payloads, a script call of its own; and, after these, a SET for each subsegment that has a key
   * of its own.
   *
   * @param batch a batch that has a generation
   * @return its traces in the same order, with the subsegments as they are stored
   * @throws StoreRefusedException if Redis has no memory left, or refuses writes for another reason
   * @throws StoreException if it fails otherwise
   */
  public List<StoredTrace> write(SpanBatch batch) {
    dictionaryKeeper.beginBatch();
    Generation generation = batch.generation();
    BatchWrite write = new BatchWrite(scripts);
    List<StoredShare> shares = new ArrayList<>(batch.traces().size());
    List<StoredTrace> stored = new ArrayList<>(batch.traces().size());
    for (TraceSpans trace : batch.traces()) {
      StoredShare share = shareCompression.compress(trace, generation);
      write.add(tags.buckets().of(trace.trace()), generation, trace, share);
      shares.add(share);
      stored.add(new StoredTrace(trace.trace(), trace.spans(), share.subsegments()));
    }
    List<RedisCommand<?>> small = new ArrayList<>();
    small.add(StoredBuckets.write(tags.buckets(), ttl));
    small.addAll(layouts.storeSmall(shares));
    String what = "store a batch of %d traces in Redis".formatted(stored.size());
    write.send(pipelines, what, small, layouts.storeDistributed(shares));
    return stored;
  }

  /**
   * Takes the flush locks of the buckets of parts. They last until their TTL is over, or a newer
   * epoch takes them. Costs one script call for each bucket. Works in a full Redis.
   *
   * @return the outcomes, one for each bucket
   * @throws StoreException if Redis does not answer
   */
  public List<LockState> lock(List<DuePart> parts, LockOwner owner, Duration ttl) {
    List<RedisCommand<Object>> calls =
        parts.stream()
            .map(part -> tags.buckets().of(part.trace()))
            .distinct()
            .map(bucket -> scripts.lockFlush(bucket, owner, ttl))
            .toList();
    return pipelines.send("lock %d buckets in Redis".formatted(calls.size()), calls).stream()
        .map(answer -> lockState(new String((byte[]) answer, US_ASCII)))
        .toList();
  }

  /**
   * Returns the epoch of the lease that Redis has now; 0 if there is no lease.
   *
   * @throws StoreException if Redis does not answer
   */
  public long leaseEpoch() {
    return LeaseStore.epoch(pipelines);
  }

  /**
   * Loads the payloads of parts: from the layout that the phase reads first, else from another that
   * may hold them. Costs one HMGET for each bucket and generation of small payloads, one GET for
   * each slice of distributed ones, and for merged ones a scan of the segment's whole hash. A
   * payload that Redis lacks, or that cannot be read, gives a slice without frames.
   *
   * @return the parts in the same order
   * @throws StoreException if Redis does not answer
   */
  public List<LoadedPart> load(List<DuePart> parts) {
    List<Wanted> wanted = new ArrayList<>();
    for (DuePart part : parts) {
      for (Slice slice : part.slices()) {
        wanted.add(new Wanted(wanted.size(), part.trace(), slice.subsegment()));
      }
    }
    byte[][] frames = new byte[wanted.size()][];
    for (PayloadLayout layout : layouts.inOrderOfReading()) {
      List<Wanted> open =
          wanted.stream()
              .filter(each -> frames[each.index()] == null && layout.holds(each.subsegment()))
              .toList();
      if (!open.isEmpty()) {
        layout.load(open, (found, stored) -> unpack(layout, found, stored, frames));
      }
    }
    Iterator<byte[]> found = Arrays.asList(frames).iterator();
    List<LoadedPart> loaded = new ArrayList<>(parts.size());
    for (DuePart part : parts) {
      List<LoadedSlice> slices = new ArrayList<>(part.slices().size());
      for (Slice slice : part.slices()) {
        slices.add(new LoadedSlice(slice, found.next()));
      }
      loaded.add(new LoadedPart(part, slices));
    }
    return loaded;
  }

  /** Takes the frames of {@code wanted} out of their payload, which is unpacked once for all. */
  private void unpack(PayloadLayout layout, List<Wanted> wanted, byte[] stored, byte[][] frames) {
    try {
      byte[] payload = compression.decompress(stored, layout.maxBytes(wanted.get(0).subsegment()));
      for (Wanted each : wanted) {
        frames[each.index()] = frames(layout, each.subsegment(), payload);
      }
    } catch (IllegalArgumentException e) {
      Wanted first = wanted.get(0);
      LOG.warn(
          "The payload of {} subsegments of trace {}, one of them {}, cannot be read and counts as lost: {}",
          wanted.size(),
          first.trace(),
          Hex.id(first.subsegment().id()),
          e.getMessage());
    }
  }

  private static byte[] frames(PayloadLayout layout, Subsegment subsegment, byte[] payload) {
    long from = layout.offset(subsegment);
    long to = from + SpanFrames.length(subsegment.spanCount(), subsegment.recordBytes());
    if (to > payload.length) {
      throw new IllegalArgumentException(
          "it has %d bytes, and should have %d at least".formatted(payload.length, to));
    }
    return from == 0 && to == payload.length
        ? payload
        : Arrays.copyOfRange(payload, (int) from, (int) to);
  }

  /**
   * Removes flushed parts: their payloads and index entries. Call it only after their records are
   * committed. Costs a script call for each bucket, an HDEL for each bucket and generation of small
   * payloads, an UNLINK for each distributed subsegment, and a script call for each large trace.
   * Works in a full Redis, and may be repeated.
   *
   * @param receipts the receipts of the flushed parts
   * @param owner whose parts they are
   * @throws LockRefusedException if a newer epoch has the locks of some buckets; all others are
   *     cleaned up then
   * @throws StoreException if it fails
   */
  public void cleanUp(List<FlushedPart.Receipt> receipts, LockOwner owner) {
    String what = "clean up %d flushed parts in Redis".formatted(receipts.size());
    Set<Integer> refused =
        new CleanUp(scripts, layouts, tags, pipelines, owner, what).run(receipts);
    if (!refused.isEmpty()) {
      throw new LockRefusedException(
          "cannot %s: a newer epoch than %d has the flush locks of %d buckets"
              .formatted(what, owner.epoch(), refused.size()));
    }
  }

  /**
   * Removes what attempts wrote that were given up: the subsegments in the index of {@code
   * buckets}, with their payloads. Reads the whole index of the buckets. May be repeated. Works in
   * a full Redis.
   *
   * @param own tells the traces to look at; nobody else may write them meanwhile
   * @param givenUp tells by the generation in which a subsegment was written last
   * @param owner the current attempt
   * @param check called before something is removed, to throw if the owner is superseded
   * @return how many subsegments it has removed
   * @throws StoreException if it fails
   */
  public long removeGivenUp(
      List<Integer> buckets,
      Predicate<TraceKey> own,
      Predicate<Generation> givenUp,
      LockOwner owner,
      Runnable check) {
    return new GivenUpWrites(
            pipelines,
            tags,
            own,
            givenUp,
            receipts -> {
              check.run();
              cleanUp(receipts, owner);
            })
        .removeFrom(buckets);
  }

  /**
   * Removes the small payloads of whole generations in all buckets, also those that the index does
   * not know. Scans the keys of all nodes. May be repeated.
   *
   * @return how many keys it has removed
   * @throws StoreException if it fails
   */
  public long removeGivenUpPayloads(Predicate<Generation> givenUp) {
    List<byte[]> left =
        SmallPayloadKeys.find(nodes, retries).in(givenUp).stream().map(RedisKeys::ascii).toList();
    pipelines.send(
        "remove what given-up attempts have left in Redis",
        left.stream().map(key -> RedisCommand.of(key, REDIS.unlink(key), key.length)).toList());
    return left.size();
  }

  /** Returns the number of commands that were sent again so far; for any thread. */
  public long retriedCommands() {
    return pipelines.retried();
  }

  @Override
  public void close() {
    // Closed from last to first: dictionaries after the compression that uses them.
    try (dictionaries;
        dictionaryKeeper;
        compression) {
      pipelines.close();
    }
  }

  /** The words of {@code lock-flush.lua} are the names. */
  private static LockState lockState(String answer) {
    return LockState.valueOf(answer.toUpperCase(Locale.ROOT).replace('-', '_'));
  }
}

package io.spanfold.buffer;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.buffer.compression.DictionaryKeeper;
import io.spanfold.buffer.compression.KnownDictionaries;
import io.spanfold.buffer.compression.PayloadCompression;
import io.spanfold.buffer.layout.PayloadLayout;
import io.spanfold.buffer.layout.PayloadLayouts;
import io.spanfold.buffer.lease.LeaseStore;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.lease.LockState;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.RetryPolicy;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.buffer.redis.StoreFullException;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
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

  /** Upper bound of what a span's frame adds to its record. */
  private static final int FRAME_OVERHEAD = 64;

  private final RedisPipelines pipelines;
  private final IndexScripts scripts;
  private final PayloadLayouts layouts;
  private final KnownDictionaries dictionaries;
  private final PayloadCompression compression;
  private final DictionaryKeeper dictionaryKeeper;

  private SegmentStore(
      StoreSettings settings,
      RedisPipelines pipelines,
      LongSupplier clock,
      InstantSource wallClock) {
    this.pipelines = pipelines;
    this.scripts = new IndexScripts(settings.ttl());
    this.layouts = new PayloadLayouts(settings.phase(), pipelines, settings.ttl());
    this.dictionaries = new KnownDictionaries(pipelines, clock);
    this.compression = new PayloadCompression(settings.compressionLevel(), dictionaries::find);
    this.dictionaryKeeper =
        new DictionaryKeeper(
            pipelines,
            compression,
            settings.compressionDictionary(),
            settings.ttl(),
            clock,
            wallClock);
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
        settings, RedisPipelines.connect(settings.redis(), retries), retries.clock(), wallClock);
  }

  /**
   * Compresses and stores a batch's payloads, and adds its subsegments to the index. Costs one
   * script call per trace, and one SET per subsegment if large payloads are distributed.
   *
   * @return its traces in the same order, with the subsegments as they are stored
   * @throws StoreFullException if Redis is out of memory
   * @throws StoreException if it fails otherwise
   */
  public List<StoredTrace> write(SpanBatch batch) {
    dictionaryKeeper.beginBatch();
    List<RedisCommand<?>> commands = new ArrayList<>();
    List<StoredTrace> stored = new ArrayList<>(batch.traces().size());
    for (TraceSpans trace : batch.traces()) {
      List<Subsegment> subsegments = new ArrayList<>(trace.subsegments().size());
      List<byte[]> payloads = new ArrayList<>(trace.subsegments().size());
      boolean small = PayloadLayouts.isSmall(trace);
      int written = layouts.written(small);
      for (UnstoredSubsegment unstored : trace.subsegments()) {
        dictionaryKeeper.offer(unstored.payload());
        byte[] payload = compression.compress(unstored.payload());
        Subsegment subsegment = layouts.stored(unstored.subsegment(), small, payload.length);
        commands.addAll(layouts.store(trace.trace(), subsegment, payload, written));
        payloads.add(payload);
        subsegments.add(subsegment);
      }
      commands.add(scripts.addSubsegments(trace.trace(), trace.subsegments(), payloads, written));
      stored.add(new StoredTrace(trace.trace(), trace.spans(), subsegments));
    }
    send("store a batch of %d traces in Redis".formatted(stored.size()), commands);
    return stored;
  }

  /**
   * Takes the flush locks of parts' segments, which {@link #cleanUp} releases. Costs one script
   * call per part. Works in a full Redis.
   *
   * @return the outcomes in the same order
   * @throws StoreException if Redis does not answer
   */
  public List<LockState> lock(List<DuePart> parts, LockOwner owner, Duration ttl) {
    List<RedisCommand<?>> commands = new ArrayList<>(parts.size());
    for (DuePart part : parts) {
      commands.add(scripts.lockFlush(part.trace(), part.segmentId(), owner, ttl));
    }
    return send("lock %d parts in Redis".formatted(parts.size()), commands).stream()
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
   * may hold them. Costs one HMGET per trace for small payloads, one GET per slice for distributed
   * ones, and for merged ones a scan of the segment's whole set. A payload that Redis lacks, or
   * that cannot be read, gives a slice without frames.
   *
   * @return the parts in the same order
   * @throws StoreException if Redis does not answer
   */
  public List<LoadedPart> load(List<DuePart> parts) {
    List<PayloadLayout.Wanted> wanted = new ArrayList<>();
    for (DuePart part : parts) {
      for (Slice slice : part.slices()) {
        wanted.add(new PayloadLayout.Wanted(part.trace(), slice.subsegment()));
      }
    }
    byte[][] frames = new byte[wanted.size()][];
    for (PayloadLayout layout : layouts.inOrderOfReading()) {
      load(layout, wanted, frames);
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

  /** Loads those of {@code wanted} from {@code layout} that have no frames yet. */
  private void load(PayloadLayout layout, List<PayloadLayout.Wanted> wanted, byte[][] frames) {
    int[] open =
        IntStream.range(0, frames.length)
            .filter(i -> frames[i] == null && layout.holds(wanted.get(i).subsegment()))
            .toArray();
    if (open.length == 0) {
      return;
    }
    List<byte[]> stored = layout.load(Arrays.stream(open).mapToObj(wanted::get).toList());
    for (int i = 0; i < open.length; i++) {
      PayloadLayout.Wanted each = wanted.get(open[i]);
      frames[open[i]] = frames(each.trace(), each.subsegment(), stored.get(i));
    }
  }

  /**
   * Removes flushed parts: their payloads, index entries and locks. Call it only after their
   * records are committed. Costs one script call per part, and one UNLINK per distributed
   * subsegment. Works in a full Redis, and may be repeated.
   *
   * @param receipts the receipts of the flushed parts
   * @param owner releases its locks, and those of its older epochs
   * @throws StoreException if it fails
   */
  public void cleanUp(List<FlushedPart.Receipt> receipts, LockOwner owner) {
    List<RedisCommand<?>> commands = new ArrayList<>();
    for (FlushedPart.Receipt receipt : receipts) {
      for (Subsegment subsegment : receipt.subsegments()) {
        commands.addAll(layouts.remove(receipt.trace(), subsegment));
      }
      // A discard takes no lock; another part of its segment may hold it.
      boolean locked = receipt.request() instanceof DuePart;
      commands.add(scripts.finishFlush(receipt, locked ? owner.lock() : ""));
    }
    send("clean up %d flushed parts in Redis".formatted(receipts.size()), commands);
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

  private byte[] frames(TraceKey trace, Subsegment subsegment, byte[] stored) {
    if (stored == null) {
      return null;
    }
    long mostBytes = subsegment.recordBytes() + (long) FRAME_OVERHEAD * subsegment.spanCount();
    try {
      return compression.decompress(stored, mostBytes);
    } catch (IllegalArgumentException e) {
      LOG.warn(
          "The payload of subsegment {} of trace {} cannot be read and counts as lost: {}",
          Hex.id(subsegment.id()),
          trace,
          e.getMessage());
      return null;
    }
  }

  /** The words of {@code lock-flush.lua} are the names. */
  private static LockState lockState(String answer) {
    return LockState.valueOf(answer.toUpperCase(Locale.ROOT).replace('-', '_'));
  }

  @SuppressWarnings("unchecked")
  private List<Object> send(String what, List<RedisCommand<?>> commands) {
    // Answers are used as objects only.
    return pipelines.send(what, (List<RedisCommand<Object>>) (List<?>) commands);
  }
}

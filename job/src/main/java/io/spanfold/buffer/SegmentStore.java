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
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The buffer of payloads in Redis and the index beside it: the one class that the pipeline knows of
 * Redis.
 *
 * <p>Every operation returns when Redis has acknowledged all of it, tries again by itself what can
 * pass (lost connections, failovers, moved slots, a full Redis) for as long as {@link
 * io.spanfold.buffer.redis.ConnectionSettings.Timeouts#retries} says, and then throws a {@link
 * StoreException}: it may then have happened in part, and may be asked for again with the same
 * arguments.
 *
 * <p>For use by one thread at a time: each worker thread opens its own. It blocks its thread. It
 * holds a connection a node, and native memory for compression and its dictionaries.
 */
public final class SegmentStore implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(SegmentStore.class);

  /** More than what a span's frame takes beside its record. */
  private static final int FRAME_OVERHEAD = 64;

  private final RedisPipelines pipelines;
  private final IndexScripts scripts;
  private final PayloadLayouts layouts;
  private final KnownDictionaries dictionaries;
  private final PayloadCompression compression;
  private final DictionaryKeeper dictionaryKeeper;

  private SegmentStore(
      StoreSettings settings, RedisPipelines pipelines, LongSupplier clock, InstantSource wall) {
    this.pipelines = pipelines;
    this.scripts = new IndexScripts(settings.ttl());
    this.layouts = new PayloadLayouts(settings.phase(), pipelines, settings.ttl());
    this.dictionaries = new KnownDictionaries(pipelines, clock);
    this.compression = new PayloadCompression(settings.compressionLevel(), dictionaries);
    this.dictionaryKeeper =
        new DictionaryKeeper(
            pipelines, compression, settings.compressionDictionary(), settings.ttl(), clock, wall);
  }

  /**
   * Opens a store; a cluster is recognised.
   *
   * @throws StoreException where Redis cannot be reached within the time for retries, or does not
   *     let us in
   */
  public static SegmentStore connect(StoreSettings settings) {
    return connect(settings, RetryPolicy.within(settings.redis().timeouts().retries()));
  }

  static SegmentStore connect(StoreSettings settings, RetryPolicy retries) {
    return connect(settings, retries, InstantSource.system());
  }

  static SegmentStore connect(StoreSettings settings, RetryPolicy retries, InstantSource wall) {
    return new SegmentStore(
        settings, RedisPipelines.connect(settings.redis(), retries), retries.clock(), wall);
  }

  /**
   * Compresses and stores a batch's payloads, and adds its subsegments to the index: a script call
   * a trace, and where payloads are distributed and a trace has much of them a SET a subsegment.
   *
   * @return its traces, with the subsegments as they are stored and filed, in the same order
   * @throws StoreFullException where Redis lacked memory for it
   * @throws StoreException where it failed otherwise
   */
  public List<StoredTrace> write(SpanBatch batch) {
    dictionaryKeeper.beginBatch();
    List<RedisCommand<?>> commands = new ArrayList<>();
    List<List<Subsegment>> payloads = new ArrayList<>(batch.traces().size());
    int[] scriptAt = new int[batch.traces().size()];
    for (TraceSpans trace : batch.traces()) {
      List<Subsegment> subsegments = new ArrayList<>(trace.subsegments().size());
      List<byte[]> packed = new ArrayList<>(trace.subsegments().size());
      boolean small = PayloadLayouts.isSmall(trace);
      int written = layouts.written(small);
      for (UnstoredSubsegment unstored : trace.subsegments()) {
        dictionaryKeeper.offer(unstored.payload());
        byte[] bytes = compression.compress(unstored.payload());
        Subsegment subsegment = layouts.stored(unstored.subsegment(), small, bytes.length);
        commands.addAll(layouts.store(trace.trace(), subsegment, bytes, written));
        packed.add(bytes);
        subsegments.add(subsegment);
      }
      scriptAt[payloads.size()] = commands.size();
      commands.add(scripts.addSubsegments(trace.trace(), trace.subsegments(), packed, written));
      payloads.add(subsegments);
    }
    List<Object> answers =
        send("store a batch of %d traces in Redis".formatted(payloads.size()), commands);
    List<StoredTrace> stored = new ArrayList<>(payloads.size());
    for (int i = 0; i < payloads.size(); i++) {
      TraceSpans trace = batch.traces().get(i);
      List<Subsegment> filed = filed(payloads.get(i), answers.get(scriptAt[i]));
      stored.add(new StoredTrace(trace.trace(), trace.spans(), filed));
    }
    return stored;
  }

  /** With where the index filed them: merged payloads are looked for from there, merges later. */
  private static List<Subsegment> filed(List<Subsegment> subsegments, Object answer) {
    List<IndexScripts.IndexedSubsegment> indexed = IndexScripts.indexed(answer);
    List<Subsegment> filed = new ArrayList<>(subsegments.size());
    for (int i = 0; i < subsegments.size(); i++) {
      filed.add(subsegments.get(i).filedUnder(indexed.get(i).root()));
    }
    return filed;
  }

  /**
   * Takes the flush locks of parts' segments, to be released by {@link #cleanUp}: a script call a
   * part. Works in a full Redis.
   *
   * @return what became of each, in the same order
   * @throws StoreException where Redis could not be asked
   */
  public List<LockState> lock(List<DuePart> parts, LockOwner owner, Duration ttl) {
    List<RedisCommand<?>> commands = new ArrayList<>(parts.size());
    for (DuePart part : parts) {
      commands.add(scripts.lockFlush(part.trace(), part.segmentId(), owner, ttl));
    }
    return send("lock %d parts in Redis".formatted(parts.size()), commands).stream()
        .map(answer -> LockState.of(new String((byte[]) answer, US_ASCII)))
        .toList();
  }

  /**
   * Returns the epoch of the lease as Redis has it now; 0 where it has none.
   *
   * @throws StoreException where Redis could not be asked
   */
  public long leaseEpoch() {
    return LeaseStore.epoch(pipelines);
  }

  /**
   * Loads the payloads of parts: from the layout that the phase reads, where a payload is there,
   * else from another that may hold it. An HMGET a trace where it has little, a GET a slice where
   * they are distributed, and where they are merged a read of the segment's whole set in pages.
   * What Redis does not have, or has in a form that cannot be read, comes as a slice without
   * frames.
   *
   * @return the parts in the same order
   * @throws StoreException where Redis could not be asked
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
   * Removes flushed parts, payloads, index and locks: a script call a part, and an UNLINK a
   * subsegment that is distributed. To be called once their records are committed. Works in a full
   * Redis, and may be repeated.
   *
   * @param receipts what was flushed
   * @param owner whose locks go with it, those of its older epochs included
   * @throws StoreException where it failed
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

  /** Returns how many commands failed and were sent again so far; for any thread. */
  public long retriedCommands() {
    return pipelines.retried();
  }

  /** Closes the connections. */
  @Override
  public void close() {
    // From last to first: dictionaries are closed after the compression that uses them.
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
          "A payload of subsegment {} of trace {} cannot be read, so counts as lost: {}",
          Hex.id(subsegment.id()),
          trace,
          e.getMessage());
      return null;
    }
  }

  @SuppressWarnings("unchecked")
  private List<Object> send(String what, List<RedisCommand<?>> commands) {
    // The answers are looked at as objects only.
    return pipelines.send(what, (List<RedisCommand<Object>>) (List<?>) commands);
  }
}

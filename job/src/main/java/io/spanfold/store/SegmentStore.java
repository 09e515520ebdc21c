package io.spanfold.store;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.model.Bundle;
import io.spanfold.model.Bundle.TraceSpans;
import io.spanfold.model.Bundle.UnstoredSubsegment;
import io.spanfold.model.FlushedPart;
import io.spanfold.model.LoadedPart;
import io.spanfold.model.LoadedPart.LoadedSlice;
import io.spanfold.model.PartCandidate;
import io.spanfold.model.PartCandidate.Slice;
import io.spanfold.model.StoredTrace;
import io.spanfold.model.Subsegment;
import io.spanfold.model.TraceKey;
import io.spanfold.payload.PayloadCompression;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.CommandObjects;
import redis.clients.jedis.RedisProtocol;

/**
 * The buffer of payloads in Redis and the index beside it: the one class that the pipeline knows of
 * Redis.
 *
 * <p>Every operation returns when Redis has acknowledged all of it, tries again by itself what can
 * pass (lost connections, failovers, moved slots, a full Redis) for as long as {@link
 * StoreSettings#retryBudget} says, and then throws a {@link StoreException}: it may then have
 * happened in part, and may be asked for again with the same arguments.
 *
 * <p>For use by one thread at a time: each worker thread opens its own. It blocks its thread. It
 * holds a connection a node, and native memory for compression.
 */
public final class SegmentStore implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(SegmentStore.class);

  /** More than what a span's frame takes beside its record. */
  private static final int FRAME_OVERHEAD = 64;

  private final CommandObjects redis = new CommandObjects(RedisProtocol.RESP2);
  private final RedisPipelines pipelines;
  private final RedisScripts scripts;
  private final PayloadLayout layout;
  private final PayloadCompression compression;

  private SegmentStore(StoreSettings settings, RedisPipelines pipelines) {
    this.pipelines = pipelines;
    this.scripts = new RedisScripts(redis, settings.ttl());
    this.layout =
        switch (settings.phase()) {
          case DISTRIBUTED -> new DistributedLayout(redis, settings.ttl());
          case MERGED, DUAL_WRITE, DUAL_READ ->
              throw new IllegalArgumentException(
                  "this version has no merged payloads; set rollout.phase to distributed");
        };
    this.compression = new PayloadCompression(settings.compressionLevel());
  }

  /**
   * Opens a store; a cluster is recognised.
   *
   * @throws StoreException where Redis cannot be reached within the time for retries, or does not
   *     let us in
   */
  public static SegmentStore connect(StoreSettings settings) {
    return connect(settings, RetryPolicy.within(settings.retryBudget()));
  }

  static SegmentStore connect(StoreSettings settings, RetryPolicy retries) {
    return new SegmentStore(
        settings, new RedisPipelines(StoreConnector.connect(settings, retries), retries));
  }

  /**
   * Compresses and stores a bundle's payloads, and adds its subsegments to the index: a SET a
   * subsegment and a script call a trace.
   *
   * @return its traces, with the subsegments as they are stored and filed, in the same order
   * @throws StoreFullException where Redis lacked memory for it
   * @throws StoreException where it failed otherwise
   */
  public List<StoredTrace> write(Bundle bundle) {
    List<RedisCommand<?>> commands = new ArrayList<>();
    List<List<Subsegment>> payloads = new ArrayList<>(bundle.traces().size());
    for (TraceSpans trace : bundle.traces()) {
      List<Subsegment> subsegments = new ArrayList<>(trace.subsegments().size());
      for (UnstoredSubsegment unstored : trace.subsegments()) {
        byte[] bytes = compression.compress(unstored.payload());
        Subsegment subsegment = unstored.subsegment().stored(bytes.length, layout.bit());
        commands.add(layout.store(trace.trace(), subsegment, bytes));
        subsegments.add(subsegment);
      }
      commands.add(scripts.addSubsegments(trace.trace(), trace.subsegments()));
      payloads.add(subsegments);
    }
    List<Object> answers =
        send("store a bundle of %d traces in Redis".formatted(payloads.size()), commands);
    List<StoredTrace> stored = new ArrayList<>(payloads.size());
    int at = 0;
    for (int i = 0; i < payloads.size(); i++) {
      TraceSpans trace = bundle.traces().get(i);
      // A trace's script call comes after its payloads.
      at += payloads.get(i).size();
      List<Subsegment> filed = filed(payloads.get(i), answers.get(at++));
      stored.add(new StoredTrace(trace.trace(), trace.spans(), filed));
    }
    return stored;
  }

  /** With where the index filed them: for the clean-up, which may be hours and merges later. */
  private static List<Subsegment> filed(List<Subsegment> subsegments, Object answer) {
    List<RedisScripts.IndexedSubsegment> indexed = RedisScripts.indexed(answer);
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
  public List<LockState> lock(List<PartCandidate> parts, LockOwner owner, Duration ttl) {
    List<RedisCommand<?>> commands = new ArrayList<>(parts.size());
    for (PartCandidate part : parts) {
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
    byte[] key = RedisKeys.LEASE.getBytes(US_ASCII);
    RedisCommand<byte[]> command =
        new RedisCommand<>(key, redis.hget(key, "epoch".getBytes(US_ASCII)), 0, null);
    byte[] epoch = pipelines.send("read the lease in Redis", List.of(command)).get(0);
    return epoch == null ? 0 : Long.parseLong(new String(epoch, US_ASCII));
  }

  /**
   * Loads the payloads of parts: a GET a slice. What Redis does not have, or has in a form that
   * cannot be read, comes as a slice without frames.
   *
   * @return the parts in the same order
   * @throws StoreException where Redis could not be asked
   */
  public List<LoadedPart> load(List<PartCandidate> parts) {
    List<RedisCommand<byte[]>> commands = new ArrayList<>();
    for (PartCandidate part : parts) {
      for (Slice slice : part.slices()) {
        commands.add(layout.load(part.trace(), slice.subsegment()));
      }
    }
    Iterator<byte[]> found =
        pipelines.send("load %d parts from Redis".formatted(parts.size()), commands).iterator();
    List<LoadedPart> loaded = new ArrayList<>(parts.size());
    for (PartCandidate part : parts) {
      List<LoadedSlice> slices = new ArrayList<>(part.slices().size());
      for (Slice slice : part.slices()) {
        slices.add(new LoadedSlice(slice, frames(part.trace(), slice.subsegment(), found.next())));
      }
      loaded.add(new LoadedPart(part, slices));
    }
    return loaded;
  }

  /**
   * Removes flushed parts, payloads, index and locks: a script call a part and an UNLINK a
   * subsegment. To be called once their records are committed. Works in a full Redis, and may be
   * repeated.
   *
   * @param receipts what was flushed
   * @param owner whose locks go with it, those of its older epochs included
   * @throws StoreException where it failed
   */
  public void cleanUp(List<FlushedPart.Receipt> receipts, LockOwner owner) {
    List<RedisCommand<?>> commands = new ArrayList<>();
    for (FlushedPart.Receipt receipt : receipts) {
      for (Subsegment subsegment : receipt.subsegments()) {
        commands.add(layout.remove(receipt.trace(), subsegment));
      }
      // What was merely deleted had no lock; another part of that segment may have it.
      boolean locked = receipt.candidate().spanCount() > 0;
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
    try (compression) {
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
          "The payload {} cannot be read, so counts as lost: {}",
          RedisKeys.payload(trace, subsegment.id()),
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

package io.spanfold.buffer.layout;

import io.spanfold.buffer.index.BucketTags;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The layouts of a rollout phase: those to write, and the order of reading. Payloads that former
 * phases wrote in other layouts are read and removed too.
 *
 * <p>If a phase distributes payloads, the payload of a trace that has few bytes in a batch is
 * stored in the trace's bucket instead of in keys of its own: spreading over the nodes only pays
 * for large ones.
 */
public final class PayloadLayouts {

  /**
   * The most bytes, before compression, that a trace with a small payload has in a batch. Bounds
   * the bytes that a hot trace adds to its slot with each batch.
   */
  public static final int SMALL_BYTES = 64 << 10;

  private final int written;
  private final SmallLayout small;
  private final PayloadLayout distributed;
  private final List<PayloadLayout> inOrderOfReading;

  public PayloadLayouts(
      RolloutPhase phase, RedisPipelines pipelines, BucketTags tags, Duration ttl) {
    PayloadLayout merged = new MergedLayout(pipelines, tags);
    this.distributed = new DistributedLayout(pipelines, ttl);
    this.small = new SmallLayout(pipelines, tags, ttl);
    this.written = phase.layouts();
    this.inOrderOfReading =
        phase.readsMerged()
            ? List.of(merged, small, distributed)
            : List.of(small, distributed, merged);
  }

  /**
   * Returns the bits of the layouts that {@code share} is to be written in. Depends only on the
   * share and the phase, so it is the same when the batch is written again.
   */
  public int written(TraceSpans share) {
    return isSmall(share) && (written & DistributedLayout.BIT) != 0
        ? written & ~DistributedLayout.BIT | SmallLayout.BIT
        : written;
  }

  /**
   * Returns the bits of the layouts that may hold {@code unstored} once it is stored. Keeps the
   * layouts that it has already: if its batch was in a savepoint, a former phase may have stored
   * it. A small payload of that phase is not among them: its generation is unknown, and its TTL
   * ends it.
   */
  public int holding(Subsegment unstored, TraceSpans share) {
    int before = isSmall(share) ? MergedLayout.BIT : MergedLayout.BIT | DistributedLayout.BIT;
    return unstored.layouts() & before | written(share);
  }

  private static boolean isSmall(TraceSpans share) {
    return share.payload().length <= SMALL_BYTES;
  }

  /** Returns the id of the small payload of a share. */
  public static long smallPayloadId(TraceSpans share) {
    return SmallLayout.payloadId(
        share.subsegments().stream().map(unstored -> unstored.subsegment()).toList());
  }

  /** Returns the commands that store the small payloads. Merged ones go with the index. */
  public List<RedisCommand<?>> storeSmall(List<StoredShare> shares) {
    return small.store(writtenIn(small, shares));
  }

  /** Returns the commands that store the payloads that have keys of their own. */
  public List<RedisCommand<?>> storeDistributed(List<StoredShare> shares) {
    return distributed.store(writtenIn(distributed, shares));
  }

  private static List<StoredShare> writtenIn(PayloadLayout layout, List<StoredShare> shares) {
    return shares.stream().filter(share -> (share.written() & layout.bit()) != 0).toList();
  }

  public List<PayloadLayout> inOrderOfReading() {
    return inOrderOfReading;
  }

  /**
   * Returns the commands that remove the payload of a flushed subsegment where it has a key of its
   * own.
   */
  public List<RedisCommand<?>> remove(TraceKey trace, Subsegment subsegment) {
    List<RedisCommand<?>> commands = new ArrayList<>(1);
    for (PayloadLayout layout : inOrderOfReading) {
      if (layout.holds(subsegment)) {
        commands.addAll(layout.remove(trace, subsegment));
      }
    }
    return commands;
  }

  /** Returns the commands that remove small payloads of a bucket, which nothing needs any more. */
  public List<RedisCommand<?>> removeSmall(int bucket, List<SmallPayload> payloads) {
    return small.remove(bucket, payloads);
  }
}

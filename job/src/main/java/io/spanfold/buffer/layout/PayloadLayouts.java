package io.spanfold.buffer.layout;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisPipelines;
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
 * <p>If a phase distributes payloads, the payloads of a trace that has few bytes in a batch are
 * stored next to its index instead of in keys of their own: spreading over the nodes only pays for
 * large ones.
 */
public final class PayloadLayouts {

  /**
   * The most bytes, before compression, that a trace with small payloads has in a batch. Bounds the
   * bytes that a hot trace adds to its slot with each batch.
   */
  public static final int SMALL_BYTES = 64 << 10;

  private final int written;
  private final List<PayloadLayout> inOrderOfReading;

  public PayloadLayouts(RolloutPhase phase, RedisPipelines pipelines, Duration ttl) {
    PayloadLayout merged = new MergedLayout(pipelines);
    PayloadLayout small = new SmallLayout(pipelines);
    PayloadLayout distributed = new DistributedLayout(pipelines, ttl);
    this.written = phase.layouts();
    this.inOrderOfReading =
        phase.readsMerged()
            ? List.of(merged, small, distributed)
            : List.of(small, distributed, merged);
  }

  /**
   * Returns whether a trace's payloads in its batch are small. Depends only on the batch, so it is
   * the same when the batch is written again.
   */
  public static boolean isSmall(TraceSpans trace) {
    long bytes = 0;
    for (int i = 0; i < trace.subsegments().size() && bytes <= SMALL_BYTES; i++) {
      bytes += trace.subsegments().get(i).payload().length;
    }
    return bytes <= SMALL_BYTES;
  }

  /**
   * Returns the bits of the layouts that are written.
   *
   * @param small see {@link #isSmall}
   */
  public int written(boolean small) {
    return placed(written, small);
  }

  /**
   * Returns {@code unstored} as it is when it is stored. Keeps the layouts that it has already: if
   * its batch was in a savepoint, a former phase may have stored it.
   *
   * @param small see {@link #isSmall}
   */
  public Subsegment stored(Subsegment unstored, boolean small, int bytes) {
    return unstored.stored(bytes, placed(unstored.layouts() | written, small));
  }

  /** Returns {@code bits} with the small layout instead of the distributed one, if small. */
  private static int placed(int bits, boolean small) {
    return small && (bits & DistributedLayout.BIT) != 0
        ? bits & ~DistributedLayout.BIT | SmallLayout.BIT
        : bits;
  }

  /**
   * Returns the commands that store a payload, to be sent before {@code add-subsegments}.
   *
   * @param written the bits of the layouts to write
   */
  public List<RedisCommand<?>> store(
      TraceKey trace, Subsegment subsegment, byte[] stored, int written) {
    List<RedisCommand<?>> commands = new ArrayList<>(1);
    for (PayloadLayout layout : inOrderOfReading) {
      if ((written & layout.bit()) != 0) {
        commands.addAll(layout.store(trace, subsegment, stored));
      }
    }
    return commands;
  }

  public List<PayloadLayout> inOrderOfReading() {
    return inOrderOfReading;
  }

  /** Returns the commands that remove a payload from all layouts that may hold it. */
  public List<RedisCommand<?>> remove(TraceKey trace, Subsegment subsegment) {
    List<RedisCommand<?>> commands = new ArrayList<>(1);
    for (PayloadLayout layout : inOrderOfReading) {
      if (layout.holds(subsegment)) {
        commands.addAll(layout.remove(trace, subsegment));
      }
    }
    return commands;
  }
}

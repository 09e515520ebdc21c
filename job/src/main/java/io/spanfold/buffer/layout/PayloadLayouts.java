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
 * The layouts of a rollout phase: those that are written, and the order in which they are read. Of
 * what former phases wrote, all are known: so it is read and removed too.
 *
 * <p>Where a phase distributes payloads, those of a trace that has little in a batch go beside its
 * index instead of to keys of their own: what spreads them over the nodes only pays for much.
 */
public final class PayloadLayouts {

  /**
   * How much a trace may have in a batch that is little, in bytes before compression. So much, and
   * no more, can a hot trace leave on its slot with each batch.
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
   * Returns whether a trace has little in its batch. Told by what never changes: so it is the same
   * whenever the batch is written again.
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
   * @param small whether the trace has little in its batch
   */
  public int written(boolean small) {
    return placed(written, small);
  }

  /**
   * Returns {@code unstored} as it is once it is stored. Keeps what it bears of layouts: where its
   * batch waited in a savepoint, a former phase may have stored it already.
   *
   * @param small whether its trace has little in its batch
   */
  public Subsegment stored(Subsegment unstored, boolean small, int bytes) {
    return unstored.stored(bytes, placed(unstored.layouts() | written, small));
  }

  /** Returns the bits of where payloads go that are to be in the layouts of {@code bits}. */
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

  /** Returns the layouts in the order in which they are read. */
  public List<PayloadLayout> inOrderOfReading() {
    return inOrderOfReading;
  }

  /** Returns the commands that remove a payload wherever it may be. */
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

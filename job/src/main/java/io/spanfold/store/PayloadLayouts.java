package io.spanfold.store;

import io.spanfold.config.RolloutPhase;
import io.spanfold.model.Subsegment;
import io.spanfold.model.TraceKey;
import java.util.ArrayList;
import java.util.List;

/**
 * The layouts of a rollout phase: those that are written, and the order in which they are read. Of
 * what former phases wrote, all are known: so it is read and removed too.
 */
final class PayloadLayouts {

  private final int written;
  private final List<PayloadLayout> inOrderOfReading;

  PayloadLayouts(RolloutPhase phase, PayloadLayout merged, PayloadLayout distributed) {
    this.written = bits(phase);
    this.inOrderOfReading =
        phase.readsMerged() ? List.of(merged, distributed) : List.of(distributed, merged);
  }

  /** Returns the bits of the layouts that {@code phase} writes. */
  static int bits(RolloutPhase phase) {
    return (phase.writesMerged() ? MergedLayout.BIT : 0)
        | (phase.writesDistributed() ? DistributedLayout.BIT : 0);
  }

  /**
   * Returns {@code unstored} as it is once it is stored. Keeps what it bears of layouts: where its
   * bundle waited in a savepoint, a former phase may have stored it already.
   */
  Subsegment stored(Subsegment unstored, int bytes) {
    return unstored.stored(bytes, unstored.layouts() | written);
  }

  /** Returns the commands that store a payload, to be sent before {@code add-subsegments}. */
  List<RedisCommand<?>> store(TraceKey trace, Subsegment subsegment, byte[] stored) {
    List<RedisCommand<?>> commands = new ArrayList<>(1);
    for (PayloadLayout layout : inOrderOfReading) {
      if (writes(layout)) {
        commands.addAll(layout.store(trace, subsegment, stored));
      }
    }
    return commands;
  }

  /** Returns what {@code add-subsegments} is to file along with the subsegment. */
  byte[] filed(Subsegment subsegment, byte[] stored) {
    for (PayloadLayout layout : inOrderOfReading) {
      if (writes(layout)) {
        byte[] filed = layout.filed(subsegment, stored);
        if (filed.length > 0) {
          return filed;
        }
      }
    }
    return PayloadLayout.NOTHING;
  }

  /** Returns the layouts in the order in which they are read. */
  List<PayloadLayout> inOrderOfReading() {
    return inOrderOfReading;
  }

  /** Returns the commands that remove a payload wherever it may be. */
  List<RedisCommand<?>> remove(TraceKey trace, Subsegment subsegment) {
    List<RedisCommand<?>> commands = new ArrayList<>(1);
    for (PayloadLayout layout : inOrderOfReading) {
      if (layout.holds(subsegment)) {
        commands.addAll(layout.remove(trace, subsegment));
      }
    }
    return commands;
  }

  private boolean writes(PayloadLayout layout) {
    return (written & layout.bit()) != 0;
  }
}

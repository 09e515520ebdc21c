package io.spanfold.local.bench.load;

import java.util.SplittableRandom;

/**
 * The records of a load in order. The accessors describe the record that {@link #next()} returned
 * last. For use by one thread.
 */
public final class SpanStream {

  private static final long SEED = 20_26;

  private final Load load;
  private final long startMillis;
  private final SplittableRandom random = new SplittableRandom(SEED);
  private final SpanTexts texts;
  private final TracePlan[] open;
  private long traces;
  private long spans;
  private long emitted;

  private long timestamp;
  private long number;
  private long traceHigh;

  /** Starts record time at {@code startMillis}. */
  public SpanStream(Load load, long startMillis) {
    this.load = load;
    this.startMillis = startMillis;
    this.texts = new SpanTexts(load);
    this.open = new TracePlan[load.openTraces()];
    for (int i = 0; i < open.length; i++) {
      open[i] = plan(i);
      // Starts in the middle of traces, so that they do not all end together.
      open[i].skip(random.nextInt(open[i].size()));
    }
  }

  private TracePlan plan(int slot) {
    TraceTree tree =
        load.shape() == Load.Shape.SERVICES
            ? ServiceTraces.draw(random)
            : TraceTree.ofOneSegment(size(slot), load.shape(), random);
    TracePlan plan = new TracePlan(traces++, spans, tree);
    spans += plan.size();
    boolean exact = load.shape() == Load.Shape.FLAT || load.shape() == Load.Shape.CHAIN;
    return exact ? plan : plan.jittered(random);
  }

  /** The first slots are for hot traces. */
  private int size(int slot) {
    return slot < load.hotTraces() ? load.spansPerHotTrace() : load.spansPerTrace();
  }

  private int anySlot() {
    int hot = load.hotTraces();
    if (hot > 0 && random.nextDouble() < Load.HOT_SHARE) {
      return random.nextInt(hot);
    }
    return hot + random.nextInt(open.length - hot);
  }

  public boolean hasNext() {
    return emitted < load.spans();
  }

  /** Returns the next record's value. */
  public byte[] next() {
    return next(startMillis + emitted * 1_000 / load.spansPerSecond());
  }

  /** Returns the next record's value, with a given record time. */
  public byte[] next(long timestampMillis) {
    int slot = anySlot();
    TracePlan plan = open[slot];
    int span = plan.take();
    if (plan.isDone()) {
      open[slot] = plan(slot);
    }
    emitted++;
    timestamp = timestampMillis;
    number = plan.firstSpan + span;
    traceHigh = SpanIds.mix(plan.number);
    int parent = plan.parentOf(span);
    return texts.write(
        plan.serviceOf(span),
        traceHigh,
        SpanIds.mix(~plan.number),
        SpanIds.idOf(number),
        parent < 0 ? 0 : SpanIds.idOf(plan.firstSpan + parent),
        plan.isRoot(span),
        timestampMillis,
        random);
  }

  /** Returns the record time in milliseconds. */
  public long timestamp() {
    return timestamp;
  }

  /** Returns the span's number; {@link SpanIds} maps it to the id. */
  public long number() {
    return number;
  }

  /** Returns the record's partition, which depends on its trace only. */
  public int partition(int partitions) {
    return (int) Long.remainderUnsigned(traceHigh, partitions);
  }
}

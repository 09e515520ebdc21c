package io.spanfold.local.bench.load;

import java.util.SplittableRandom;

/**
 * The records of a load, one after another. After {@link #next()} the accessors tell of the record
 * that it returned. For use by one thread.
 */
public final class SpanStream {

  private static final long SEED = 20_26;

  private final Load load;
  private final long startMillis;
  private final SplittableRandom random = new SplittableRandom(SEED);
  private final SpanTexts texts;
  private final SegmentPlan[] open;
  private long segments;
  private long spans;
  private long emitted;

  private long timestamp;
  private long number;
  private long traceHigh;

  /** Makes a stream whose record time begins at {@code startMillis}. */
  public SpanStream(Load load, long startMillis) {
    this.load = load;
    this.startMillis = startMillis;
    this.texts = new SpanTexts(load);
    this.open = new SegmentPlan[load.openSegments()];
    for (int i = 0; i < open.length; i++) {
      open[i] = plan(i);
      // As if it had been going on for long, so that segments do not all end together.
      open[i].skip(random.nextInt(size(i)));
    }
  }

  private SegmentPlan plan(int slot) {
    SegmentPlan plan = new SegmentPlan(segments++, spans, size(slot), load.shape(), random);
    spans += size(slot);
    return plan;
  }

  /** The first slots are those of hot segments. */
  private int size(int slot) {
    return slot < load.hotSegments() ? load.spansPerHotSegment() : load.spansPerSegment();
  }

  private int anySlot() {
    int hot = load.hotSegments();
    if (hot > 0 && random.nextDouble() < Load.HOT_SHARE) {
      return random.nextInt(hot);
    }
    return hot + random.nextInt(open.length - hot);
  }

  /** Returns whether the load has more records. */
  public boolean hasNext() {
    return emitted < load.spans();
  }

  /** Returns the next record's value. */
  public byte[] next() {
    return next(startMillis + emitted * 1_000 / load.spansPerSecond());
  }

  /** Returns the next record's value, as if it came at {@code timestampMillis}. */
  public byte[] next(long timestampMillis) {
    int slot = anySlot();
    SegmentPlan plan = open[slot];
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
        traceHigh,
        SpanIds.mix(~plan.number),
        SpanIds.idOf(number),
        parent < 0 ? 0 : SpanIds.idOf(plan.firstSpan + parent),
        timestampMillis,
        random);
  }

  /** Returns the record time in milliseconds. */
  public long timestamp() {
    return timestamp;
  }

  /** Returns the number that {@link SpanIds} makes the span's id of. */
  public long number() {
    return number;
  }

  /** Returns which of {@code partitions} the record belongs to, by its trace. */
  public int partition(int partitions) {
    return (int) Long.remainderUnsigned(traceHigh, partitions);
  }
}

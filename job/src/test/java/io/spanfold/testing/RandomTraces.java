package io.spanfold.testing;

import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/**
 * Makes random traces: trees in any order, with gaps, and on request with duplicates, cycles and
 * self-parents.
 */
public final class RandomTraces {

  /** The earliest time of a trace, but for jitter. */
  public static final long START = 1_700_000_000_000L;

  private RandomTraces() {}

  /**
   * The largest distance between spans, in units of 500 ms, so that spans often come right at a
   * deadline.
   */
  public enum Pace {
    DENSE(2),
    WITH_SOME_GAPS(16),
    WITH_MANY_GAPS(100);

    final int step;

    Pace(int step) {
      this.step = step;
    }
  }

  /**
   * Spans whose parents are any of the trace's ids, some missing, in an order that has nothing to
   * do with the tree.
   */
  public static List<Span> trace(TraceKey trace, Random random, Pace pace, boolean hostile) {
    int ids = 1 + random.nextInt(20);
    List<Long> order = new ArrayList<>();
    for (long id = 1; id <= ids; id++) {
      if (random.nextInt(8) != 0) {
        order.add(id);
      }
      if (hostile && random.nextInt(8) == 0) {
        order.add(id);
      }
    }
    Collections.shuffle(order, random);
    List<Span> spans = new ArrayList<>();
    long time = START;
    for (long id : order) {
      time += 500L * random.nextInt(pace.step);
      long jitter = random.nextInt(4) == 0 ? 500L * random.nextInt(pace.step) : 0;
      boolean root = id == 1 || random.nextInt(6) == 0;
      long parent = 1L + random.nextInt(hostile ? ids + 2 : (int) Math.max(1, id - 1));
      spans.add(Spans.span(trace, id, root ? id : parent, root, time - jitter, spans.size()));
    }
    return spans;
  }

  /**
   * Returns the spans of many traces in the order of their timestamps.
   *
   * @param step the traces begin within {@code 2 * count} times so many milliseconds
   * @param hostile whether there are duplicates, cycles and self-parents
   * @param paces of which each trace has one
   */
  public static List<Span> many(
      Random random, int count, long step, boolean hostile, Pace... paces) {
    List<Span> spans = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      TraceKey trace = new TraceKey(random.nextInt(5), random.nextLong(), i);
      long start = step * random.nextInt(count * 2);
      for (Span span : trace(trace, random, paces[random.nextInt(paces.length)], hostile)) {
        spans.add(at(span, span.timestamp() + start, span.partition(), span.offset()));
      }
    }
    spans.sort(Comparator.comparingLong(Span::timestamp));
    return spans;
  }

  /** Returns a trace's spans in the order of their timestamps, as in one partition. */
  public static List<Span> inOrder(List<Span> spans) {
    List<Span> sorted = new ArrayList<>(spans);
    sorted.sort(Comparator.comparingLong(Span::timestamp));
    List<Span> ordered = new ArrayList<>();
    sorted.forEach(span -> ordered.add(at(span, span.timestamp(), 0, ordered.size())));
    return ordered;
  }

  /** Returns {@code span} with another timestamp and place in the topic. */
  public static Span at(Span span, long timestamp, int partition, long offset) {
    return new Span(
        span.trace(),
        span.spanId(),
        span.parentId(),
        span.root(),
        timestamp,
        span.organizationId(),
        partition,
        offset,
        span.index(),
        span.stampPoints(),
        span.record());
  }
}

package io.spanfold.core.fold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.SourcePositions;
import io.spanfold.core.model.SpanColumns;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.testing.Spans;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The cost of a span must depend neither on its segment's size, nor on its shape, nor on the order
 * in which the spans come. Every span is a batch of its own, which is the worst case.
 */
class FoldScaleTest {

  private static final FoldSettings PATIENT =
      new FoldSettings(1L << 40, 1L << 40, 1L << 40, 1, Long.MAX_VALUE);

  private static final SourcePositions NOWHERE = Spans.positions(0);

  private static final int[] SIZES = {1_000, 10_000, 100_000};

  /** The shape and order of a segment of spans 0 to n - 1, of which 0 is the root. */
  private enum Shape {
    CHAIN_LEAF_FIRST,
    CHAIN_ROOT_FIRST,
    CHAIN_IN_RANDOM_ORDER,
    WIDE_ROOT_FIRST,
    WIDE_ROOT_LAST,
    TREE_IN_RANDOM_ORDER;

    long parent(int span, Random random) {
      return switch (this) {
        case CHAIN_LEAF_FIRST, CHAIN_ROOT_FIRST, CHAIN_IN_RANDOM_ORDER -> span - 1;
        case WIDE_ROOT_FIRST, WIDE_ROOT_LAST -> 0;
        case TREE_IN_RANDOM_ORDER -> random.nextInt(span);
      };
    }

    List<Integer> order(int spans, Random random) {
      List<Integer> order = new ArrayList<>();
      for (int i = 0; i < spans; i++) {
        order.add(i);
      }
      switch (this) {
        case CHAIN_LEAF_FIRST, WIDE_ROOT_LAST -> Collections.reverse(order);
        case CHAIN_IN_RANDOM_ORDER, TREE_IN_RANDOM_ORDER -> Collections.shuffle(order, random);
        case CHAIN_ROOT_FIRST, WIDE_ROOT_FIRST -> {}
      }
      return order;
    }
  }

  @ParameterizedTest
  @EnumSource
  void stateAccessesPerSpanDoNotGrow(Shape shape) {
    fold(shape, SIZES[1]); // For the times: nothing is asserted of them.
    Cost[] costs = new Cost[SIZES.length];
    for (int i = 0; i < SIZES.length; i++) {
      costs[i] = fold(shape, SIZES[i]);
      System.out.printf(
          "%-22s %,8d spans: %5.2f accesses a span, %3d at most for one; %5.2f us a span%n",
          shape, SIZES[i], costs[i].accesses, costs[i].mostForOne, costs[i].micros);
    }

    Cost least = costs[0];
    Cost most = costs[SIZES.length - 1];
    assertThat(most.accesses)
        .as("accesses a span at %d spans, against %d", SIZES[SIZES.length - 1], SIZES[0])
        .isLessThan(least.accesses * 1.1);
    // A tree joined by size is as deep as its size has binary digits; compressing asks twice.
    assertThat(most.mostForOne).as("accesses for one span").isLessThan(100);
  }

  private record Cost(double accesses, long mostForOne, double micros) {}

  private static Cost fold(Shape shape, int spans) {
    Random random = new Random(spans);
    List<StoredTrace> batches = new ArrayList<>();
    for (int span : shape.order(spans, random)) {
      batches.add(batch(span, span == 0 ? 0 : shape.parent(span, random)));
    }
    InMemoryFoldState state = new InMemoryFoldState();
    Recorder recorder = new Recorder();
    TraceFold fold = new TraceFold(PATIENT, state, recorder);
    long mostForOne = 0;
    long start = System.nanoTime();
    for (StoredTrace batch : batches) {
      long before = state.accesses();
      fold.add(batch, Long.MIN_VALUE);
      mostForOne = Math.max(mostForOne, state.accesses() - before);
    }
    recorder.fire(fold);
    long nanos = System.nanoTime() - start;

    assertThat(recorder.parts).hasSize(1);
    assertThat(recorder.parts.get(0).segmentId()).isZero();
    assertThat(recorder.parts.get(0).spanCount()).isEqualTo(spans);
    assertThat(state.isEmpty()).as("state left behind").isTrue();
    return new Cost((double) state.accesses() / spans, mostForOne, nanos / 1e3 / spans);
  }

  private static StoredTrace batch(long span, long parent) {
    SpanColumns columns = new SpanColumns(1);
    columns.add(span, parent, span == 0, 1_000_000, 200, 0, 0);
    Subsegment subsegment = new Subsegment(span, parent, span == 0, 1, 200, 100, 1, 1, NOWHERE);
    return new StoredTrace(FoldHarness.TRACE, columns, List.of(subsegment));
  }

  private static final class Recorder implements FoldOutput {
    final List<DuePart> parts = new ArrayList<>();
    private final TreeMap<Long, java.util.Set<Long>> timers = new TreeMap<>();

    void fire(TraceFold fold) {
      while (!timers.isEmpty()) {
        var next = timers.pollFirstEntry();
        next.getValue()
            .forEach(s -> fold.onTimer(FoldHarness.TRACE, s, next.getKey(), FlushReason.END));
      }
    }

    @Override
    public void due(DuePart part) {
      parts.add(part);
    }

    @Override
    public void discard(Discard discard) {
      throw new AssertionError("no span comes twice");
    }

    @Override
    public void duplicate() {
      throw new AssertionError("no span comes twice");
    }

    @Override
    public void late() {
      throw new AssertionError("no span is late");
    }

    @Override
    public void early(int spans) {
      throw new AssertionError("no span is early");
    }

    @Override
    public void setReorderTimer(long time) {
      throw new AssertionError("no span is early");
    }

    @Override
    public void setTimer(long segment, long time) {
      timers.computeIfAbsent(time, t -> new java.util.HashSet<>()).add(segment);
    }
  }
}

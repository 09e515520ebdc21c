package io.spanfold.core.fold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.Span;
import io.spanfold.testing.NaiveFold;
import io.spanfold.testing.NaiveFold.Flushed;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random traces, orders, batches, gaps, duplicates and cycles, each compared with {@link
 * NaiveFold}.
 */
class TraceFoldPropertyTest {

  private static final int ROUNDS = 4000;

  private static final FoldSettings SETTINGS =
      new FoldSettings(60_000, 10_000, 100_000, 30_000, Long.MAX_VALUE);

  @ParameterizedTest
  @EnumSource
  void partsAreThoseOfTheRulesAppliedSpanBySpan(Pace pace) {
    for (long seed = 0; seed < ROUNDS; seed++) {
      Random random = new Random(seed);
      List<Span> spans =
          RandomTraces.inOrder(RandomTraces.trace(FoldHarness.TRACE, random, pace, true));
      NaiveFold oracle = new NaiveFold(SETTINGS);
      spans.forEach(oracle::add);
      oracle.end();
      FoldHarness fold = fold(spans, random);
      assertThat(parts(fold)).as("seed %d", seed).isEqualTo(parts(oracle));
      assertThat(fold.duplicates).as("seed %d", seed).isEqualTo(oracle.duplicates);
      assertThat(fold.state.isEmpty()).as("state left behind, seed %d", seed).isTrue();
      assertThat(fold.allDeletable()).as("payloads left behind, seed %d", seed).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(names = "DENSE")
  void orderAndBatchingDoNotMatterBeforeTheDeadline(Pace pace) {
    FoldSettings patient = new FoldSettings(1 << 30, 1 << 30, 1 << 30, 1, Long.MAX_VALUE);
    for (long seed = 0; seed < ROUNDS; seed++) {
      Random random = new Random(seed);
      List<Span> spans = RandomTraces.trace(FoldHarness.TRACE, random, pace, false);
      Set<Object> expected = trees(spans);
      Collections.shuffle(spans, random);
      FoldHarness fold = new FoldHarness(patient);
      addInBatches(fold, spans, random);
      fold.end();
      Set<Object> actual = new HashSet<>();
      fold.parts.forEach(
          part -> actual.add(Map.entry(part.segmentId(), Set.copyOf(fold.spansOf(part)))));
      assertThat(actual).as("seed %d", seed).isEqualTo(expected);
    }
  }

  /**
   * The partitions of a topic are read concurrently, one ahead of the other by seconds. Parts that
   * are merged by the last spans may then exceed a part's maximum age by as much.
   */
  @ParameterizedTest
  @EnumSource
  void aFastPartitionEndsNoPartThatASlowOneHasMoreSpansOf(Pace pace) {
    FoldSettings ageless = new FoldSettings(60_000, 10_000, 1 << 30, 30_000, Long.MAX_VALUE);
    int heldBack = 0;
    for (long seed = 0; seed < ROUNDS; seed++) {
      Random random = new Random(seed);
      List<Span> spans =
          overTwoPartitions(RandomTraces.trace(FoldHarness.TRACE, random, pace, false), random);
      NaiveFold oracle = new NaiveFold(ageless);
      spans.forEach(oracle::add);
      oracle.end();
      FoldHarness fold = new FoldHarness(ageless);
      readSideBySide(spans, fold, random);
      assertThat(parts(fold)).as("seed %d", seed).isEqualTo(parts(oracle));
      assertThat(fold.state.isEmpty()).as("state left behind, seed %d", seed).isTrue();
      assertThat(fold.allDeletable()).as("payloads left behind, seed %d", seed).isTrue();
      heldBack += fold.heldBack;
    }
    assertThat(heldBack > 0).as("spans were ahead").isEqualTo(pace != Pace.DENSE);
  }

  /** Gives each span a record time of its own, because equal times allow two orders. */
  private static List<Span> overTwoPartitions(List<Span> spans, Random random) {
    List<Span> ordered = new ArrayList<>();
    long last = Long.MIN_VALUE;
    for (Span span : RandomTraces.inOrder(spans)) {
      last = Math.max(last + 1, span.timestamp());
      ordered.add(RandomTraces.at(span, last, random.nextInt(2), span.offset()));
    }
    return ordered;
  }

  /** No partition is ahead by more than the shortest timeout. */
  private static void readSideBySide(List<Span> spans, FoldHarness fold, Random random) {
    List<Deque<Span>> partitions = List.of(new ArrayDeque<>(), new ArrayDeque<>());
    spans.forEach(span -> partitions.get(span.partition()).add(span));
    while (true) {
      long clock = partitions.stream().mapToLong(TraceFoldPropertyTest::next).min().orElseThrow();
      if (clock == Long.MAX_VALUE) {
        break;
      }
      fold.advanceTo(clock - 1);
      List<Span> batch = new ArrayList<>();
      Deque<Span> partition = partitions.get(random.nextInt(2));
      while (batch.size() < 4 && next(partition) <= clock + SETTINGS.rootTimeout() - 1) {
        batch.add(partition.remove());
      }
      if (!batch.isEmpty()) {
        fold.add(batch);
      }
    }
    fold.end();
  }

  private static long next(Deque<Span> partition) {
    return partition.isEmpty() ? Long.MAX_VALUE : partition.peek().timestamp();
  }

  private static FoldHarness fold(List<Span> spans, Random random) {
    FoldHarness fold = new FoldHarness(SETTINGS);
    int from = 0;
    while (from < spans.size()) {
      int to = Math.min(spans.size(), from + 1 + random.nextInt(8));
      fold.add(spans.subList(from, to));
      from = to;
      if (from < spans.size() && random.nextBoolean()) {
        long earliestToCome =
            spans.subList(from, spans.size()).stream()
                .mapToLong(Span::timestamp)
                .min()
                .orElseThrow();
        fold.advanceTo(earliestToCome - 1);
      }
    }
    fold.end();
    return fold;
  }

  private static void addInBatches(FoldHarness fold, List<Span> spans, Random random) {
    int from = 0;
    while (from < spans.size()) {
      int to = Math.min(spans.size(), from + 1 + random.nextInt(8));
      fold.add(spans.subList(from, to));
      from = to;
    }
  }

  /** Follows every span's parents to the top. */
  private static Set<Object> trees(List<Span> spans) {
    Map<Long, Span> byId = new HashMap<>();
    spans.forEach(span -> byId.put(span.spanId(), span));
    Map<Long, Set<Span>> trees = new HashMap<>();
    for (Span span : spans) {
      Span at = span;
      while (!at.root() && byId.containsKey(at.parentId())) {
        at = byId.get(at.parentId());
      }
      trees.computeIfAbsent(at.parentId(), top -> new HashSet<>()).add(span);
    }
    return new HashSet<>(trees.entrySet());
  }

  private static Set<Object> parts(FoldHarness fold) {
    Set<Object> parts = new HashSet<>();
    fold.parts.forEach(
        part ->
            parts.add(
                new Flushed(part.segmentId(), part.partNumber(), Set.copyOf(fold.spansOf(part)))));
    assertThat(parts).hasSize(fold.parts.size());
    return parts;
  }

  private static Set<Object> parts(NaiveFold oracle) {
    return new HashSet<>(oracle.flushed);
  }
}

package io.spanfold.core.fold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.Span;
import io.spanfold.testing.NaiveFold;
import io.spanfold.testing.NaiveFold.Flushed;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
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
   * Producers whose clocks are slow by a second, a minute, hours or half a century: all parts are
   * those of the rules, for given times at which spans come.
   */
  @ParameterizedTest
  @EnumSource
  void partsAreThoseOfTheRulesWhereProducersAreSlow(Pace pace) {
    int late = 0;
    for (long seed = 0; seed < ROUNDS; seed++) {
      Random random = new Random(seed);
      List<Arrival> arrivals = new ArrayList<>();
      for (Span span :
          RandomTraces.inOrder(RandomTraces.trace(FoldHarness.TRACE, random, pace, true))) {
        arrivals.add(Arrival.ofProducer(span, Lag.any(random), random));
      }
      NaiveFold oracle = new NaiveFold(SETTINGS);
      FoldHarness fold = new FoldHarness(SETTINGS);
      for (int from = 0; from < arrivals.size(); ) {
        int to = from + 1;
        while (to < arrivals.size()
            && arrivals.get(to).time == arrivals.get(from).time
            && random.nextInt(4) != 0) {
          to++;
        }
        // Between two deadlines, which are multiples of it.
        long clock = arrivals.get(from).time - Lag.UNIT;
        oracle.advanceTo(clock);
        fold.advanceTo(clock);
        List<Span> batch = arrivals.subList(from, to).stream().map(Arrival::span).toList();
        batch.forEach(oracle::add);
        fold.add(batch);
        from = to;
      }
      oracle.end();
      fold.end();
      late += fold.late;
      assertThat(fold.heldBack).as("seed %d", seed).isZero();
      assertThat(parts(fold)).as("seed %d", seed).isEqualTo(parts(oracle));
      assertThat(fold.duplicates).as("seed %d", seed).isEqualTo(oracle.duplicates);
      assertThat(fold.state.isEmpty()).as("state left behind, seed %d", seed).isTrue();
      assertThat(fold.allDeletable()).as("payloads left behind, seed %d", seed).isTrue();
    }
    assertThat(late).isGreaterThan(ROUNDS);
  }

  /**
   * Spans that come within the same minute (less than {@code timeout}, by what the job's time and
   * spans that are not late may be behind) have their segment's true name, whatever the clocks of
   * their producers say.
   */
  @ParameterizedTest
  @EnumSource
  void spansThatComeInTheSameMinuteHaveTheTrueName(Lag lag) {
    FoldSettings settings = new FoldSettings(60_000, 10_000, 900_000, 60_000, Long.MAX_VALUE);
    long jobIsBehind = 1_000;
    long window = settings.timeout() - settings.rootTimeout() - jobIsBehind;
    for (long seed = 0; seed < ROUNDS; seed++) {
      Random random = new Random(seed);
      List<Span> trace = RandomTraces.trace(FoldHarness.TRACE, random, Pace.DENSE, false);
      Collections.shuffle(trace, random);
      List<Arrival> arrivals = new ArrayList<>();
      for (Span span : trace) {
        long time = 1_000_000L + random.nextInt((int) window);
        Span sent = RandomTraces.at(span, time, random.nextInt(2), span.offset());
        arrivals.add(Arrival.ofProducer(sent, random.nextInt(3) == 0 ? lag : Lag.NONE, random));
      }
      arrivals.sort(Comparator.comparingLong(Arrival::time));
      for (int i = 0; i < arrivals.size(); i++) {
        Span span = arrivals.get(i).span;
        Span read = RandomTraces.at(span, span.timestamp(), span.partition(), i);
        arrivals.set(i, new Arrival(read, arrivals.get(i).time));
      }
      FoldHarness fold = new FoldHarness(settings);
      for (int from = 0; from < arrivals.size(); ) {
        int to = Math.min(arrivals.size(), from + 1 + random.nextInt(3));
        fold.advanceTo(arrivals.get(to - 1).time - random.nextInt((int) jobIsBehind));
        fold.add(arrivals.subList(from, to).stream().map(Arrival::span).toList());
        from = to;
      }
      fold.end();
      Map<Long, Set<Span>> segments = new HashMap<>();
      for (DuePart part : fold.parts) {
        segments
            .computeIfAbsent(part.segmentId(), name -> new HashSet<>())
            .addAll(fold.spansOf(part));
      }
      assertThat(segments.entrySet())
          .as("seed %d", seed)
          .isEqualTo(trees(arrivals.stream().map(Arrival::span).toList()));
    }
  }

  /** How far a producer's clock is behind. */
  private enum Lag {
    NONE(0, 0),
    SECONDS(0, 20_000),
    UP_TO_A_MINUTE(10_000, 60_000),
    HOURS(3_600_000, 36_000_000),
    /** The test's times begin in 1970. */
    HALF_A_CENTURY(1_500_000_000_000L, 1_500_000_000_000L);

    static final long UNIT = 100;

    private final long least;
    private final long most;

    Lag(long least, long most) {
      this.least = least;
      this.most = most;
    }

    static Lag any(Random random) {
      return random.nextInt(2) == 0 ? NONE : values()[random.nextInt(values().length)];
    }

    long millis(Random random) {
      return least + UNIT * random.nextInt((int) ((most - least) / UNIT) + 1);
    }
  }

  /** A span, and the record time at which it comes. */
  private record Arrival(Span span, long time) {

    /** A span that is sent at its timestamp, by a producer whose clock is behind. */
    static Arrival ofProducer(Span span, Lag lag, Random random) {
      long timestamp = span.timestamp() - lag.millis(random);
      return new Arrival(
          RandomTraces.at(span, timestamp, span.partition(), span.offset()), span.timestamp());
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

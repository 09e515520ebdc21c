package io.spanfold.job.track;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.track.TrackSubtasks.Part;
import io.spanfold.testing.NaiveFold;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The fold's properties, through snapshots, restores, rescaling and evictions at random points;
 * each result is compared with {@link NaiveFold}.
 */
class TrackPropertyTest {

  private static final FoldSettings SETTINGS = TrackOperatorTest.SETTINGS;
  private static final long ROOT_TIMEOUT = SETTINGS.rootTimeout();

  /** The watermark advances as far as possible. */
  @ParameterizedTest
  @CsvSource({"heap, 300", "rocksdb, 15"})
  void partsAreThoseOfTheRules(String backend, int rounds) throws Exception {
    for (long seed = 0; seed < rounds; seed++) {
      Random random = new Random(seed);
      Map<TraceKey, NaiveFold> oracles = new HashMap<>();
      List<Deque<Span>> rest = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        TraceKey trace = new TraceKey(i, seed, i);
        List<Span> spans = RandomTraces.inOrder(trace(trace, random, true));
        NaiveFold oracle = new NaiveFold(SETTINGS);
        spans.forEach(oracle::add);
        oracle.end();
        oracles.put(trace, oracle);
        rest.add(new ArrayDeque<>(spans));
      }
      try (TrackSubtasks subtasks = new TrackSubtasks(backend, SETTINGS, true, random)) {
        rest.removeIf(Collection::isEmpty);
        while (!rest.isEmpty()) {
          Deque<Span> spans = rest.get(random.nextInt(rest.size()));
          List<Span> batch = new ArrayList<>();
          do {
            batch.add(spans.remove());
          } while (!spans.isEmpty() && random.nextBoolean());
          subtasks.add(batch);
          rest.removeIf(Collection::isEmpty);
          if (!rest.isEmpty() && random.nextBoolean()) {
            subtasks.advanceTo(earliest(rest) - 1);
          }
        }
        assertThat(subtasks.end()).as("spans buffered, seed %d", seed).isZero();
        assertThat(subtasks.parts).as("seed %d", seed).isEqualTo(parts(oracles));
      }
    }
  }

  private static long earliest(List<Deque<Span>> rest) {
    return rest.stream().flatMap(Collection::stream).mapToLong(Span::timestamp).min().orElseThrow();
  }

  /** Spans of the partition that is ahead wait in state for the other one. */
  @ParameterizedTest
  @CsvSource({"heap, 300", "rocksdb, 15"})
  void aFastPartitionEndsNoPartThatASlowOneHasMoreSpansOf(String backend, int rounds)
      throws Exception {
    FoldSettings ageless = new FoldSettings(60_000, 10_000, 1 << 30, 30_000, Long.MAX_VALUE);
    TraceKey trace = new TraceKey(1, 2, 3);
    for (long seed = 0; seed < rounds; seed++) {
      Random random = new Random(seed);
      List<Deque<Span>> partitions = List.of(new ArrayDeque<>(), new ArrayDeque<>());
      NaiveFold oracle = new NaiveFold(ageless);
      for (Span span : withDistinctTimes(trace(trace, random, false), random)) {
        partitions.get(span.partition()).add(span);
        oracle.add(span);
      }
      oracle.end();
      try (TrackSubtasks subtasks = new TrackSubtasks(backend, ageless, true, random)) {
        while (true) {
          long clock = partitions.stream().mapToLong(TrackPropertyTest::next).min().orElseThrow();
          if (clock == Long.MAX_VALUE) {
            break;
          }
          subtasks.advanceTo(clock - 1);
          // No partition is ahead by more than the shortest timeout.
          Deque<Span> partition = partitions.get(random.nextInt(2));
          List<Span> batch = new ArrayList<>();
          while (batch.size() < 4 && next(partition) <= clock + ROOT_TIMEOUT - 1) {
            batch.add(partition.remove());
          }
          if (!batch.isEmpty()) {
            subtasks.add(batch);
          }
        }
        assertThat(subtasks.end()).as("spans buffered, seed %d", seed).isZero();
        assertThat(subtasks.parts).as("seed %d", seed).isEqualTo(parts(Map.of(trace, oracle)));
      }
    }
  }

  private static long next(Deque<Span> partition) {
    return partition.isEmpty() ? Long.MAX_VALUE : partition.peek().timestamp();
  }

  private static List<Span> withDistinctTimes(List<Span> spans, Random random) {
    List<Span> ordered = new ArrayList<>();
    long last = Long.MIN_VALUE;
    for (Span span : RandomTraces.inOrder(spans)) {
      last = Math.max(last + 1, span.timestamp());
      ordered.add(RandomTraces.at(span, last, random.nextInt(2), span.offset()));
    }
    return ordered;
  }

  /** Spans may be late, or older than the clock without being late. */
  @ParameterizedTest
  @CsvSource({"heap, 300", "rocksdb, 15"})
  void partsAreThoseOfTheRulesWhereProducersAreSlow(String backend, int rounds) throws Exception {
    TraceKey trace = new TraceKey(1, 2, 3);
    for (long seed = 0; seed < rounds; seed++) {
      Random random = new Random(seed);
      NaiveFold oracle = new NaiveFold(SETTINGS);
      try (TrackSubtasks subtasks = new TrackSubtasks(backend, SETTINGS, false, random)) {
        for (Span sent : RandomTraces.inOrder(trace(trace, random, true))) {
          // Between two deadlines, which are multiples of it.
          long clock = sent.timestamp() - 100;
          long lag = random.nextBoolean() ? 0 : 100L * random.nextInt(random.nextInt(2) * 600 + 90);
          Span span = RandomTraces.at(sent, sent.timestamp() - lag, 0, sent.offset());
          oracle.advanceTo(clock);
          subtasks.advanceTo(clock);
          oracle.add(span);
          subtasks.add(List.of(span));
        }
        oracle.end();
        assertThat(subtasks.end()).as("spans buffered, seed %d", seed).isZero();
        assertThat(subtasks.parts).as("seed %d", seed).isEqualTo(parts(Map.of(trace, oracle)));
      }
    }
  }

  private static List<Span> trace(TraceKey trace, Random random, boolean hostile) {
    return RandomTraces.trace(trace, random, Pace.values()[random.nextInt(3)], hostile);
  }

  private static Set<Part> parts(Map<TraceKey, NaiveFold> oracles) {
    Set<Part> parts = new HashSet<>();
    oracles.forEach(
        (trace, oracle) -> oracle.flushed.forEach(part -> parts.add(new Part(trace, part))));
    return parts;
  }
}

package io.spanfold.buffer;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.IndexedTrace.Sub;
import io.spanfold.buffer.layout.MergedLayout;
import io.spanfold.buffer.layout.SmallLayout;
import io.spanfold.core.fold.FoldHarness;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.Subsegment;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.RedisUnderTest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import redis.clients.jedis.Jedis;

/**
 * The index next to the real fold. The index has no notion of time and gets the calls in another
 * order, but must be empty when all parts are cleaned up.
 */
class IndexedFoldITCase {

  private static final int TRACES = 500;

  @TempDir static Path directory;
  private static RedisUnderTest redis;
  private static IndexUnderTest plain;
  private static IndexUnderTest withPayloads;

  enum CleanUps {
    AFTER_ALL_IS_FOLDED,
    IN_BETWEEN,
    IN_BETWEEN_IN_ANY_ORDER
  }

  @BeforeAll
  static void start() {
    redis = RedisUnderTest.start(directory);
    plain = new IndexUnderTest(List.of(redis.uri()));
    withPayloads = new IndexUnderTest(List.of(redis.uri()), MergedLayout.BIT | SmallLayout.BIT);
  }

  @AfterAll
  static void stop() {
    plain.close();
    withPayloads.close();
    redis.close();
  }

  /** Deletes the keys that a failed test left. */
  @AfterEach
  void leaveNothing() {
    try (Jedis jedis = new Jedis(redis.uri())) {
      jedis.flushAll();
    }
  }

  static List<Arguments> cases() {
    return Stream.of(CleanUps.values())
        .flatMap(cleanUps -> Stream.of(Arguments.of(cleanUps, false), Arguments.of(cleanUps, true)))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void leavesNothingAfterAllPartsAreCleanedUp(CleanUps cleanUps, boolean payloads) {
    IndexUnderTest index = payloads ? withPayloads : plain;
    long base = new Random().nextLong();
    for (Pace pace : Pace.values()) {
      for (long seed = base; seed < base + TRACES; seed++) {
        foldAndCleanUp(index, cleanUps, pace, seed);
        assertThat(index.keys()).as("%s, seed %d", pace, seed).isEmpty();
      }
    }
  }

  /** A trace that never ends must not accumulate the names of its ended segments. */
  @ParameterizedTest
  @MethodSource("cases")
  void leavesAtMostARedirectADuplicateInATraceThatRemains(CleanUps cleanUps, boolean payloads) {
    IndexUnderTest index = payloads ? withPayloads : plain;
    Sub other = new Sub(1L << 40, 1L << 41, true, 10, new long[] {1L << 41});
    long base = new Random().nextLong();
    for (Pace pace : Pace.values()) {
      for (long seed = base; seed < base + TRACES; seed++) {
        index.add(FoldHarness.TRACE, List.of(other));
        int duplicates = foldAndCleanUp(index, cleanUps, pace, seed);
        assertThat(index.segments(FoldHarness.TRACE))
            .as("%s, seed %d", pace, seed)
            .containsOnlyKeys(IndexedTrace.hex(other.parent()));
        assertThat(index.redirects(FoldHarness.TRACE))
            .as("%s, seed %d", pace, seed)
            .isBetween(1L, 1L + duplicates);
        assertThat(index.keys()).as("%s, seed %d", pace, seed).hasSize(payloads ? 3 : 1);
        index.finish(FoldHarness.TRACE, other.parent(), List.of(other));
        assertThat(index.keys()).as("%s, seed %d", pace, seed).isEmpty();
      }
    }
  }

  /** Returns how many spans were duplicates. */
  private static int foldAndCleanUp(IndexUnderTest index, CleanUps cleanUps, Pace pace, long seed) {
    Random random = new Random(seed);
    long maxBytes = random.nextBoolean() ? Long.MAX_VALUE : 1 + random.nextInt(200);
    IndexedFold fold =
        new IndexedFold(index, new FoldSettings(60_000, 10_000, 100_000, 30_000, maxBytes));
    List<Span> spans = RandomTraces.trace(FoldHarness.TRACE, random, pace, true);
    for (int from = 0; from < spans.size(); ) {
      int to = Math.min(spans.size(), from + 1 + random.nextInt(8));
      fold.add(spans.subList(from, to));
      from = to;
      if (random.nextBoolean()) {
        fold.advanceTo(spans.get(to - 1).timestamp());
      }
      while (cleanUps != CleanUps.AFTER_ALL_IS_FOLDED
          && !fold.due.isEmpty()
          && random.nextBoolean()) {
        fold.cleanUp(cleanUps == CleanUps.IN_BETWEEN ? 0 : random.nextInt(fold.due.size()), random);
      }
    }
    fold.end();
    while (!fold.due.isEmpty()) {
      fold.cleanUp(random.nextInt(fold.due.size()), random);
    }
    return fold.duplicates;
  }

  private static final class IndexedFold extends FoldHarness {

    final List<Receipt> due = new ArrayList<>();

    private final IndexUnderTest index;

    IndexedFold(IndexUnderTest index, FoldSettings settings) {
      super(settings);
      this.index = index;
    }

    @Override
    protected List<Subsegment> stored(TraceSpans trace) {
      List<Subsegment> stored = index.store(TRACE, trace.subsegments());
      assertThat(index.store(TRACE, trace.subsegments())).isEqualTo(stored);
      return stored;
    }

    @Override
    public void due(DuePart part) {
      super.due(part);
      due.add(
          new Receipt(
              part, 1 << 20, List.of(), spansOf(part).stream().mapToLong(Span::spanId).toArray()));
    }

    @Override
    public void discard(Discard discard) {
      super.discard(discard);
      due.add(FlushedPart.discarded(discard).receipt());
    }

    void cleanUp(int which, Random random) {
      Receipt receipt = due.remove(which);
      assertThat(index.finish(receipt, "")).isEqualTo(receipt.subsegments().size());
      if (random.nextInt(4) == 0) {
        assertThat(index.finish(receipt, "")).isEqualTo(0);
      }
    }
  }
}

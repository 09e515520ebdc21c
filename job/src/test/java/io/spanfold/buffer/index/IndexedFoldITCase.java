package io.spanfold.buffer.index;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.index.IndexUnderTest.Form;
import io.spanfold.core.fold.FoldHarness;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.Subsegment;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.Receipts;
import io.spanfold.testing.RedisUnderTest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
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

  private static final int TRACES = 200;

  @TempDir static Path directory;
  private static RedisUnderTest redis;
  private static final Map<Form, IndexUnderTest> INDEXES = new EnumMap<>(Form.class);

  enum CleanUps {
    AFTER_ALL_IS_FOLDED,
    IN_BETWEEN,
    IN_BETWEEN_IN_ANY_ORDER
  }

  @BeforeAll
  static void start() {
    redis = RedisUnderTest.start(directory);
    for (Form form : Form.values()) {
      INDEXES.put(form, new IndexUnderTest(List.of(redis.uri()), form, new Buckets(1, 128)));
    }
  }

  @AfterAll
  static void stop() {
    INDEXES.values().forEach(IndexUnderTest::close);
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
        .flatMap(cleanUps -> Stream.of(Form.values()).map(form -> Arguments.of(cleanUps, form)))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void leavesNothingAfterAllPartsAreCleanedUp(CleanUps cleanUps, Form form) {
    IndexUnderTest index = INDEXES.get(form);
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
  void leavesAtMostARedirectADuplicateInATraceThatRemains(CleanUps cleanUps, Form form) {
    IndexUnderTest index = INDEXES.get(form);
    Subsegment other = TraceHistory.subsegment(1L << 40, 1L << 41, true, 1, 10, null);
    TraceShare share =
        new TraceShare(
            FoldHarness.TRACE,
            new Generation(1, 1),
            List.of(other),
            List.of(new long[] {1L << 41}));
    long base = new Random().nextLong();
    for (Pace pace : Pace.values()) {
      for (long seed = base; seed < base + TRACES; seed++) {
        index.add(List.of(share));
        int duplicates = foldAndCleanUp(index, cleanUps, pace, seed);
        Map<Long, IndexModel.View> segments = index.segments(FoldHarness.TRACE);
        assertThat(segments.get(other.parentId()).subsegments()).containsOnlyKeys(other.id());
        segments.remove(other.parentId());
        assertThat(segments.values()).allMatch(segment -> segment.subsegments().isEmpty());
        assertThat(segments.values().stream().mapToInt(segment -> segment.spans().size()).sum())
            .as("%s, seed %d", pace, seed)
            .isBetween(0, duplicates);
        index.finish(
            List.of(
                Receipts.of(
                    FoldHarness.TRACE,
                    other.parentId(),
                    List.of(other),
                    new long[] {other.parentId()})));
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
      List<Subsegment> stored = new ArrayList<>();
      List<long[]> spanIds = new ArrayList<>();
      for (UnstoredSubsegment unstored : trace.subsegments()) {
        long payload = trace.subsegments().get(0).subsegment().id() | 1;
        SmallPayload small = new SmallPayload(payload, 1, 1, unstored.offset());
        stored.add(unstored.subsegment().stored(1, 1, small));
        spanIds.add(unstored.spanIds());
      }
      TraceShare share = new TraceShare(TRACE, new Generation(1, 1), stored, spanIds);
      index.add(List.of(share));
      index.add(List.of(share));
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
      index.finish(List.of(receipt));
      if (random.nextInt(4) == 0) {
        index.finish(List.of(receipt));
      }
    }
  }
}

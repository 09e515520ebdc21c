package io.spanfold.buffer.index;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.index.CallLog.Script;
import io.spanfold.buffer.index.IndexUnderTest.Form;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.testing.Receipts;
import io.spanfold.testing.RedisUnderTest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import redis.clients.jedis.Jedis;

/**
 * No call blocks a node for more than 10 ms, however large, old or often renamed a trace is. Prints
 * a table of the calls of each script, as {@link CallLog} measures them.
 *
 * <p>What is asserted is CPU time. A virtual machine counts time in which it was stopped itself: of
 * 4,300 calls of 1 to 5 ms, one took 59 ms in one of twenty runs. So a case in which a call took
 * too long is run again, with the same calls in the same order. A call is as long as in its
 * shortest run.
 */
@Timeout(3_600)
class LongestCallITCase {

  /** 1,000,000 by hand. */
  private static final int SPANS = Integer.getInteger("spanfold.longest-call.spans", 50_000);

  /** Former names; 200,000 by hand. */
  private static final int NAMES = Integer.getInteger("spanfold.longest-call.names", 100_000);

  private static final double LONGEST_MILLIS = 10;

  /** Commands of a call. None has more than a few thousand elements. */
  private static final long MOST_COMMANDS = 2_000;

  private static final int RUNS = 3;

  /** Spans of a batch, and of a flushed part. */
  private static final int BATCH = 1_000;

  private static final int PART = 10_000;

  /** Renames of a batch. */
  private static final int RENAMES = 120;

  private static final TraceKey TRACE = new TraceKey(1, 2, 3);

  /** Another segment of the trace, so that the trace outlives the segments that are flushed. */
  private static final Subsegment REST =
      TraceHistory.subsegment(-1, -2, true, 1, 100, new SmallPayload(-3, 1, 1, 0));

  @TempDir static Path directory;
  private static RedisUnderTest redis;

  /** Where payloads are. The index does not see those of distributed subsegments. */
  enum Layout {
    SMALL,
    DISTRIBUTED,
    MERGED
  }

  /** A subsegment and the ids of its spans. */
  private record Share(Subsegment subsegment, long... spans) {}

  enum Shape {
    /** The root comes first, then its children. */
    FLAT {
      @Override
      List<Share> shares(int spans) {
        List<Share> shares = new ArrayList<>();
        shares.add(share(1, 1, true, 1));
        for (int from = 2; from <= spans; from += BATCH) {
          long[] children = LongStream.range(from, Math.min(spans + 1, from + BATCH)).toArray();
          shares.add(share(from, 1, false, children));
        }
        return shares;
      }
    },
    /** The same with the root last, under which there is only the parent of all others. */
    ROOT_LAST {
      @Override
      List<Share> shares(int spans) {
        List<Share> shares = FLAT.shares(spans);
        shares.remove(0);
        shares.add(share(spans + 1, spans + 1, true, spans + 1, 1));
        return shares;
      }
    },
    /** Each span is the parent of the next, as they come. */
    CHAIN {
      @Override
      List<Share> shares(int spans) {
        return IntStream.rangeClosed(1, spans)
            .mapToObj(i -> i == 1 ? share(1, 1, true, 1) : share(i, i - 1, false, i))
            .toList();
      }
    },
    /** Each span has four children. */
    BUSHY_IN_RANDOM_ORDER {
      @Override
      List<Share> shares(int spans) {
        List<Share> shares = new ArrayList<>();
        shares.add(share(1, 1, true, 1));
        for (int i = 1; 4 * i - 2 <= spans; i++) {
          shares.add(share(i + 1, i, false, LongStream.range(4L * i - 2, 4L * i + 2).toArray()));
        }
        Collections.shuffle(shares, new Random(5));
        return shares;
      }
    };

    abstract List<Share> shares(int spans);

    private static Share share(long id, long parent, boolean root, long... spans) {
      return new Share(TraceHistory.subsegment(id, parent, root, spans.length, 100, null), spans);
    }
  }

  @BeforeAll
  static void start() {
    redis = RedisUnderTest.start(directory);
  }

  @AfterAll
  static void stop() {
    redis.close();
  }

  private static void leaveNothing() {
    try (Jedis jedis = new Jedis(redis.uri())) {
      jedis.flushAll();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aTraceOfAMillionSpans(Shape shape) {
    assertThatNoCallIsLong(
        "%,d spans, %s".formatted(SPANS, shape),
        Form.PACKED,
        index -> {
          List<Share> shares = shape.shares(SPANS);
          for (int from = 0; from < shares.size(); ) {
            int to = from;
            for (int spans = 0; to < shares.size() && spans < BATCH; to++) {
              spans += shares.get(to).spans.length;
            }
            index.add(List.of(traceShare(shares.subList(from, to))));
            from = to;
          }
          finish(index, shares, 1);
        });
  }

  /** Each batch brings the parents of what was the topmost span. */
  @ParameterizedTest
  @EnumSource
  void aSegmentThatWasRenamedOften(Layout layout) {
    assertThatNoCallIsLong(
        "%,d former names, %s".formatted(NAMES, layout),
        layout == Layout.MERGED ? Form.MERGED : Form.PACKED,
        index -> {
          List<Share> shares = new ArrayList<>();
          for (long i = 1; i <= NAMES; i++) {
            SmallPayload small =
                layout == Layout.SMALL ? new SmallPayload(1 + i / RENAMES, 1, 1, 0) : null;
            shares.add(new Share(TraceHistory.subsegment(i, i + 1, false, 1, 100, small), i));
          }
          for (int from = 0; from < shares.size(); from += RENAMES) {
            int to = Math.min(shares.size(), from + RENAMES);
            index.add(List.of(traceShare(shares.subList(from, to))));
          }
          // A child of the span that had the first of the names.
          Share late = new Share(TraceHistory.subsegment(-4, 2, false, 1, 100, null), -5);
          index.add(List.of(traceShare(List.of(late))));
          shares.add(late);
          finish(index, shares, NAMES + 1);
        });
  }

  private void assertThatNoCallIsLong(String what, Form form, Consumer<IndexUnderTest> work) {
    Map<String, List<Double>> shortest = Map.of();
    for (int run = 0; run < RUNS && (run == 0 || !tooLong(shortest).isEmpty()); run++) {
      Map<String, Script> scripts = measure(what, form, work);
      assertThat(scripts)
          .allSatisfy((name, script) -> assertThat(script.commands()).isLessThan(MOST_COMMANDS));
      shortest = shorter(shortest, scripts);
    }
    assertThat(tooLong(shortest)).as("longest calls, in ms").isEmpty();
  }

  private Map<String, Script> measure(String what, Form form, Consumer<IndexUnderTest> work) {
    leaveNothing();
    try (IndexUnderTest index = open(form);
        CallLog log = CallLog.of(index, redis.uri())) {
      addRest(index);
      work.accept(index);
      finishRest(index);
      return log.report(what);
    }
  }

  /** Returns each call's CPU time in its shortest run, in ms, by script. */
  private static Map<String, List<Double>> shorter(
      Map<String, List<Double>> before, Map<String, Script> now) {
    Map<String, List<Double>> shorter = new TreeMap<>();
    now.forEach(
        (name, script) -> {
          List<Double> calls = script.cpuMillis();
          List<Double> former = before.getOrDefault(name, calls);
          assertThat(calls).as("calls of %s, the same in each run", name).hasSameSizeAs(former);
          shorter.put(
              name,
              IntStream.range(0, calls.size())
                  .mapToObj(call -> Math.min(calls.get(call), former.get(call)))
                  .toList());
        });
    return shorter;
  }

  private static Map<String, Double> tooLong(Map<String, List<Double>> cpuMillis) {
    Map<String, Double> tooLong = new TreeMap<>();
    cpuMillis.forEach((name, calls) -> tooLong.put(name, Collections.max(calls)));
    tooLong.values().removeIf(millis -> millis <= LONGEST_MILLIS);
    return tooLong;
  }

  private static IndexUnderTest open(Form form) {
    return new IndexUnderTest(List.of(redis.uri()), form, new Buckets(1, 128));
  }

  private static void addRest(IndexUnderTest index) {
    index.add(List.of(traceShare(List.of(new Share(REST, REST.parentId())))));
  }

  private static void finishRest(IndexUnderTest index) {
    assertThat(index.segments(TRACE)).containsOnlyKeys(REST.parentId());
    index.finish(
        List.of(Receipts.of(TRACE, REST.parentId(), List.of(REST), new long[] {REST.parentId()})));
    assertThat(index.keys()).isEmpty();
  }

  private static TraceShare traceShare(List<Share> shares) {
    return new TraceShare(
        TRACE,
        new Generation(1, 1),
        shares.stream().map(Share::subsegment).toList(),
        shares.stream().map(Share::spans).toList());
  }

  /** Finishes a segment in parts. */
  private static void finish(IndexUnderTest index, List<Share> shares, long segment) {
    for (int from = 0; from < shares.size(); ) {
      List<Subsegment> subsegments = new ArrayList<>();
      List<long[]> spans = new ArrayList<>();
      int count = 0;
      for (; from < shares.size() && count < PART; from++) {
        subsegments.add(shares.get(from).subsegment);
        spans.add(shares.get(from).spans);
        count += shares.get(from).spans.length;
      }
      long[] ids = spans.stream().flatMapToLong(Arrays::stream).toArray();
      Receipt receipt = Receipts.of(TRACE, segment, subsegments, ids);
      index.finish(List.of(receipt));
    }
  }
}

package io.spanfold.buffer.index;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.index.IndexUnderTest.Form;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.testing.Receipts;
import io.spanfold.testing.RedisUnderTest;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.resps.Slowlog;

/**
 * The commands that a span costs the server, including those of scripts, must not grow with the
 * segment; and no call may block a node for long.
 */
class IndexCostITCase {

  private static final int[] SIZES = {1_000, 5_000, 12_000};

  /**
   * Without merged payloads, a call never has to be repeated because another has changed the tree.
   */
  private static final int PIPELINED = 200;

  private static final Pattern CALLS = Pattern.compile("cmdstat_([a-z|]+):calls=(\\d+)");

  /** The aim is 10 ms on a free core. Redis counts the time in which it has no core, too. */
  private static final long LONGEST_MICROS = 500_000;

  @TempDir static Path directory;
  private static RedisUnderTest redis;

  enum Shape {
    WIDE_IN_CALLS_OF_ONE,
    WIDE_IN_CALLS_OF_A_THOUSAND,
    DEEP_LEAF_FIRST,
    DEEP_ROOT_FIRST,
    DEEP_IN_RANDOM_ORDER,
    BUSHY_IN_RANDOM_ORDER;

    List<TraceShare> shares(TraceKey trace, int size) {
      return switch (this) {
        case WIDE_IN_CALLS_OF_ONE -> inSharesOf(1, trace, subsegments(size, i -> 0));
        case WIDE_IN_CALLS_OF_A_THOUSAND -> inSharesOf(1_000, trace, subsegments(size, i -> 0));
        case DEEP_LEAF_FIRST -> inSharesOf(1, trace, reversed(subsegments(size, i -> i - 1)));
        case DEEP_ROOT_FIRST -> inSharesOf(1, trace, subsegments(size, i -> i - 1));
        case DEEP_IN_RANDOM_ORDER -> inSharesOf(1, trace, shuffled(subsegments(size, i -> i - 1)));
        case BUSHY_IN_RANDOM_ORDER ->
            inSharesOf(100, trace, shuffled(subsegments(size, i -> i / 2)));
      };
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

  @BeforeEach
  void resetSlowlog() {
    try (Jedis jedis = new Jedis(redis.uri())) {
      jedis.flushAll();
      jedis.configSet("slowlog-log-slower-than", "1000");
      jedis.configSet("slowlog-max-len", "100000");
      jedis.slowlogReset();
    }
  }

  @ParameterizedTest
  @EnumSource
  void costPerSpanDoesNotGrowWithTheSegment(Shape shape) {
    costPerSpanDoesNotGrowWithTheSegment(shape, Form.PACKED, 13);
  }

  @ParameterizedTest
  @EnumSource
  void costPerSpanDoesNotGrowWithMergedPayloads(Shape shape) {
    costPerSpanDoesNotGrowWithTheSegment(shape, Form.MERGED, 21);
  }

  private static void costPerSpanDoesNotGrowWithTheSegment(Shape shape, Form form, double limit) {
    int pipelined = form == Form.MERGED ? 1 : PIPELINED;
    List<Double> costs = new ArrayList<>();
    try (IndexUnderTest index =
        new IndexUnderTest(List.of(redis.uri()), form, new Buckets(1, 128))) {
      for (int size : SIZES) {
        TraceKey trace = new TraceKey(size, 1, 1);
        List<TraceShare> shares = shape.shares(trace, size);
        long commands = commandsRun(redis.uri());
        for (int i = 0; i < shares.size(); i += pipelined) {
          index.addAll(
              shares.subList(i, Math.min(i + pipelined, shares.size())).stream()
                  .map(List::of)
                  .toList());
        }
        double cost = (commandsRun(redis.uri()) - commands) / (double) size;
        costs.add(cost);

        List<Subsegment> all =
            shares.stream().flatMap(share -> share.subsegments().stream()).toList();
        commands = commandsRun(redis.uri());
        index.finish(
            List.of(Receipts.of(trace, 0, all, LongStream.rangeClosed(1, size).toArray())));
        double finish = (commandsRun(redis.uri()) - commands) / (double) size;
        System.out.printf(
            "%s %s %d spans: add %.2f commands a span, finish %.3f; longest call %d us%n",
            shape, form, size, cost, finish, longestCall(redis.uri()));
        assertThat(index.keys()).isEmpty();
        assertThat(finish).isLessThan(3);
      }
    }
    // From the second size to the third: below, one call has a large share of the segment.
    assertThat(costs.get(2)).isLessThan(costs.get(1) * 1.1 + 0.2).isLessThan(limit);
  }

  /** The largest calls that IndexScripts makes, on the longest packed records. */
  @Test
  void noCallBlocksANodeForLong() {
    try (IndexUnderTest index =
        new IndexUnderTest(List.of(redis.uri()), Form.PACKED, new Buckets(1, 128))) {
      // Four spans, then four more.
      report(index, "traces of 4 spans", IndexScripts.MAX_TRACES, 2, 1, 4, 64);
      report(index, "traces of one span", IndexScripts.MAX_TRACES, 1, 1, 1, 64);
      // Traces that nearly fill their records, in two halves.
      report(index, "records of 8 KiB, 1 subsegment", 8, 2, 1, 480, 64);
      report(index, "records of 8 KiB, many subsegments", 16, 2, 65, 2, 64);
      report(index, "records of 8 KiB, ids that begin with zeros", 16, 2, 65, 2, 24);
      // Many long records.
      report(index, "records of 4 KiB", 200, 10, 1, 40, 64);
      report(index, "records of 8 KiB, ids that are numbers", 70, 9, 1, 62, 16);
      report(index, "records of 7 KiB, growing by a span", IndexScripts.MAX_TRACES, 140, 1, 1, 64);
    }
  }

  /** Adds to traces in several rounds, ids of so many bits, then finishes each in two halves. */
  private static void report(
      IndexUnderTest index,
      String what,
      int traces,
      int rounds,
      int subsegments,
      int spans,
      int bits) {
    Random random = new Random(5);
    List<List<Subsegment>> all = new ArrayList<>();
    List<List<Long>> ids = new ArrayList<>();
    for (int i = 0; i < traces; i++) {
      all.add(new ArrayList<>());
      ids.add(new ArrayList<>());
    }
    for (int round = 0; round < rounds; round++) {
      List<TraceShare> shares = new ArrayList<>();
      for (int i = 0; i < traces; i++) {
        List<Subsegment> some = new ArrayList<>();
        List<long[]> spanIds = new ArrayList<>();
        for (int j = 0; j < subsegments; j++) {
          SmallPayload small = new SmallPayload((1L + round) * 0x9E3779B97F4A7C15L, 1, 1, 0);
          some.add(
              TraceHistory.subsegment(
                  random.nextLong(), id(random, bits), false, spans, 100, small));
          spanIds.add(LongStream.generate(() -> id(random, bits)).limit(spans).toArray());
          LongStream.of(spanIds.get(j)).forEach(ids.get(i)::add);
        }
        all.get(i).addAll(some);
        shares.add(new TraceShare(new TraceKey(1, 2, i), new Generation(1, 1), some, spanIds));
      }
      index.add(shares);
    }
    try (Jedis jedis = new Jedis(redis.uri())) {
      long add = longestCall(redis.uri());
      jedis.slowlogReset();
      for (int half = 0; half < 2; half++) {
        List<Receipt> receipts = new ArrayList<>();
        for (int i = 0; i < traces; i++) {
          int middle = all.get(i).size() / 2;
          int middleOfSpans = ids.get(i).size() / 2;
          receipts.add(
              Receipts.of(
                  new TraceKey(1, 2, i),
                  1,
                  half == 0
                      ? all.get(i).subList(0, middle)
                      : all.get(i).subList(middle, all.get(i).size()),
                  (half == 0
                          ? ids.get(i).subList(0, middleOfSpans)
                          : ids.get(i).subList(middleOfSpans, ids.get(i).size()))
                      .stream().mapToLong(Long::longValue).toArray()));
        }
        index.finish(receipts);
      }
      long finish = longestCall(redis.uri());
      jedis.slowlogReset();
      System.out.printf("%s: longest add %d us, longest finish %d us%n", what, add, finish);
      assertThat(Math.max(add, finish)).isLessThan(LONGEST_MICROS);
    }
    assertThat(index.keys()).isEmpty();
  }

  private static long id(Random random, int bits) {
    return random.nextLong() >>> (64 - bits);
  }

  /** Returns the time of the longest call since the log was reset, in microseconds. */
  private static long longestCall(URI uri) {
    try (Jedis jedis = new Jedis(uri)) {
      return jedis.slowlogGet(100_000).stream()
          .filter(entry -> entry.getArgs().get(0).equalsIgnoreCase("evalsha"))
          .mapToLong(Slowlog::getExecutionTime)
          .max()
          .orElse(0);
    }
  }

  private static long commandsRun(URI uri) {
    try (Jedis jedis = new Jedis(uri)) {
      Matcher calls = CALLS.matcher(jedis.info("commandstats"));
      long sum = 0;
      while (calls.find()) {
        sum += Long.parseLong(calls.group(2));
      }
      return sum;
    }
  }

  private static List<Subsegment> subsegments(int size, IntUnaryOperator parent) {
    return IntStream.rangeClosed(1, size)
        .mapToObj(
            i ->
                TraceHistory.subsegment(
                    i, parent.applyAsInt(i), false, 1, 100, new SmallPayload(i, 1, 1, 0)))
        .toList();
  }

  private static List<Subsegment> reversed(List<Subsegment> subsegments) {
    List<Subsegment> reversed = new ArrayList<>(subsegments);
    Collections.reverse(reversed);
    return reversed;
  }

  private static List<Subsegment> shuffled(List<Subsegment> subsegments) {
    List<Subsegment> shuffled = new ArrayList<>(subsegments);
    Collections.shuffle(shuffled, new Random(5));
    return shuffled;
  }

  /** Each subsegment has one span, with the same id. */
  private static List<TraceShare> inSharesOf(
      int size, TraceKey trace, List<Subsegment> subsegments) {
    List<TraceShare> shares = new ArrayList<>();
    for (int i = 0; i < subsegments.size(); i += size) {
      List<Subsegment> some = subsegments.subList(i, Math.min(i + size, subsegments.size()));
      shares.add(
          new TraceShare(
              trace,
              new Generation(1, 1),
              some,
              some.stream().map(each -> new long[] {each.id()}).toList()));
    }
    return shares;
  }
}

package io.spanfold.buffer;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.IndexedTrace.Sub;
import io.spanfold.buffer.layout.MergedLayout;
import io.spanfold.buffer.layout.SmallLayout;
import io.spanfold.core.model.TraceKey;
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
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import redis.clients.jedis.Jedis;

/**
 * The commands that a span costs the server, including those of scripts, must not grow with the
 * segment. Time is printed, but not asserted.
 */
class IndexCostITCase {

  private static final int[] SIZES = {1_000, 10_000, 100_000};
  private static final Pattern CALLS = Pattern.compile("cmdstat_([a-z|]+):calls=(\\d+)");

  @TempDir static Path directory;

  enum Shape {
    WIDE_IN_CALLS_OF_ONE,
    WIDE_IN_CALLS_OF_A_THOUSAND,
    DEEP_LEAF_FIRST,
    DEEP_ROOT_FIRST,
    DEEP_IN_RANDOM_ORDER,
    BUSHY_LEAF_FIRST,
    BUSHY_IN_RANDOM_ORDER;

    List<List<Sub>> calls(int size) {
      return switch (this) {
        case WIDE_IN_CALLS_OF_ONE -> inCallsOf(1, subs(size, i -> 0));
        case WIDE_IN_CALLS_OF_A_THOUSAND -> inCallsOf(1_000, subs(size, i -> 0));
        case DEEP_LEAF_FIRST -> inCallsOf(1, reversed(subs(size, i -> i - 1)));
        case DEEP_ROOT_FIRST -> inCallsOf(1, subs(size, i -> i - 1));
        case DEEP_IN_RANDOM_ORDER -> inCallsOf(1, shuffled(subs(size, i -> i - 1)));
        case BUSHY_LEAF_FIRST -> inCallsOf(1, reversed(subs(size, i -> i / 2)));
        case BUSHY_IN_RANDOM_ORDER -> inCallsOf(100, shuffled(subs(size, i -> i / 2)));
      };
    }
  }

  static List<Arguments> cases() {
    return Stream.of(Shape.values())
        .flatMap(shape -> Stream.of(Arguments.of(shape, false), Arguments.of(shape, true)))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void costPerSpanDoesNotGrowWithTheSegment(Shape shape, boolean merged) {
    List<Double> costs = new ArrayList<>();
    try (RedisUnderTest redis = RedisUnderTest.start(directory.resolve(shape.name() + merged));
        IndexUnderTest index =
            new IndexUnderTest(List.of(redis.uri()), merged ? MergedLayout.BIT : SmallLayout.BIT)) {
      for (int size : SIZES) {
        TraceKey trace = new TraceKey(size, 1, 1);
        List<List<Sub>> calls = shape.calls(size);
        long commands = commandsRun(redis.uri());
        long start = System.nanoTime();
        index.addAll(trace, calls);
        double micros = (System.nanoTime() - start) / 1e3 / size;
        double cost = (commandsRun(redis.uri()) - commands) / (double) size;
        costs.add(cost);

        List<Sub> all = calls.stream().flatMap(List::stream).toList();
        commands = commandsRun(redis.uri());
        start = System.nanoTime();
        index.finish(trace, 0, all);
        System.out.printf(
            "%s%s %d spans: add %.2f us and %.2f commands a span, finish %.2f us and %.3f commands%n",
            shape,
            merged ? " with merged payloads" : "",
            size,
            micros,
            cost,
            (System.nanoTime() - start) / 1e3 / size,
            (commandsRun(redis.uri()) - commands) / (double) size);
        assertThat(index.keys()).isEmpty();
      }
    }
    // From ten thousand to a hundred thousand: below, one call has a large share of the segment.
    assertThat(costs.get(2)).isLessThan(costs.get(1) * 1.1 + 0.2).isLessThan(merged ? 14 : 10);
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

  private static List<Sub> subs(int size, IntUnaryOperator parent) {
    return IntStream.rangeClosed(1, size)
        .mapToObj(i -> new Sub(i, parent.applyAsInt(i), false, 100, new long[] {i}))
        .toList();
  }

  private static List<Sub> reversed(List<Sub> subs) {
    List<Sub> reversed = new ArrayList<>(subs);
    Collections.reverse(reversed);
    return reversed;
  }

  private static List<Sub> shuffled(List<Sub> subs) {
    List<Sub> shuffled = new ArrayList<>(subs);
    Collections.shuffle(shuffled, new Random(5));
    return shuffled;
  }

  private static List<List<Sub>> inCallsOf(int size, List<Sub> subs) {
    List<List<Sub>> calls = new ArrayList<>();
    for (int i = 0; i < subs.size(); i += size) {
      calls.add(subs.subList(i, Math.min(i + size, subs.size())));
    }
    return calls;
  }
}

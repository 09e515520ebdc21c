package io.spanfold.local.bench;

import io.spanfold.local.bench.Throughput.Limits;
import java.time.Duration;

/**
 * The size of the benchmark.
 *
 * @param rounds of the typical load, each with all contenders in turn
 * @param typicalSpans of the typical load
 * @param otherSpans of each other load with small spans
 * @param hugeSpans of the load with spans of a quarter of a megabyte
 * @param growthSpans of each growth series
 * @param typical limits of runs under the typical load
 * @param other limits of all other runs
 * @param liveSeconds of traffic at its natural pace
 * @param openSegments the series of concurrently open segments
 * @param segmentSizes the series of spans per segment
 * @param depths the series of nesting depths
 * @param ceilingOfOthers whether the ceiling is also measured under the other loads
 */
record Plan(
    int rounds,
    int typicalSpans,
    int otherSpans,
    int hugeSpans,
    int growthSpans,
    Limits typical,
    Limits other,
    int liveSeconds,
    int[] openSegments,
    int[] segmentSizes,
    int[] depths,
    boolean ceilingOfOthers) {

  /** About three quarters of an hour on two cores. */
  static Plan full() {
    return new Plan(
        3,
        3_600_000,
        1_200_000,
        14_000,
        1_600_000,
        limits(30, 400_000, 20),
        limits(8, 150_000, 10),
        60,
        new int[] {1_000, 10_000, 100_000, 1_000_000},
        new int[] {10, 1_000, 100_000},
        new int[] {10, 1_000, 10_000},
        true);
  }

  /** Under five minutes on two cores: a smoke test, not a measurement to quote. */
  static Plan quick() {
    return new Plan(
        1,
        1_200_000,
        400_000,
        6_000,
        1_000_000,
        limits(4, 200_000, 6),
        limits(3, 40_000, 3),
        12,
        new int[] {1_000, 50_000},
        new int[] {10, 100_000},
        new int[] {10, 10_000},
        false);
  }

  private static Limits limits(int warmUpSeconds, int warmUpSpans, int windowSeconds) {
    return new Limits(
        Duration.ofSeconds(warmUpSeconds), warmUpSpans, Duration.ofSeconds(windowSeconds));
  }
}

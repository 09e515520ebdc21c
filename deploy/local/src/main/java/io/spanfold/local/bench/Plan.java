package io.spanfold.local.bench;

import io.spanfold.local.bench.Throughput.Limits;
import java.time.Duration;

/**
 * The size of the benchmark.
 *
 * @param rounds of each headline load, each with all contenders in turn
 * @param servicesSpans of the load <em>services</em>
 * @param typicalSpans of the load <em>typical</em>
 * @param crowdedSpans of the load <em>crowded</em>
 * @param tinySpans of the load <em>tiny</em>
 * @param otherSpans of each other load with small spans
 * @param hugeSpans of the load with spans of a quarter of a megabyte
 * @param growthSpans of each growth series
 * @param headline limits of runs under the headline loads: services, typical, crowded, tiny
 * @param other limits of all other runs
 * @param liveSeconds of traffic at its natural pace
 * @param openSegments the series of concurrently open segments
 * @param segmentSizes the series of spans per segment
 * @param depths the series of nesting depths
 * @param ceilingOfOthers whether the ceiling is also measured under the other loads
 */
record Plan(
    int rounds,
    int servicesSpans,
    int typicalSpans,
    int crowdedSpans,
    int tinySpans,
    int otherSpans,
    int hugeSpans,
    int growthSpans,
    Limits headline,
    Limits other,
    int liveSeconds,
    int[] openSegments,
    int[] segmentSizes,
    int[] depths,
    boolean ceilingOfOthers) {

  /** Some two hours on two cores. */
  static Plan full() {
    return new Plan(
        3,
        8_000_000,
        6_000_000,
        4_000_000,
        3_000_000,
        1_200_000,
        14_000,
        1_600_000,
        limits(20, 180, 400_000, 20),
        limits(8, 32, 150_000, 10),
        60,
        new int[] {1_000, 10_000, 100_000, 1_000_000},
        new int[] {10, 1_000, 100_000},
        new int[] {10, 1_000, 10_000},
        true);
  }

  /** Under ten minutes on two cores: a smoke test, not a measurement to quote. */
  static Plan quick() {
    return new Plan(
        1,
        1_200_000,
        1_200_000,
        1_200_000,
        400_000,
        400_000,
        6_000,
        1_000_000,
        limits(4, 16, 100_000, 6),
        limits(3, 12, 40_000, 3),
        12,
        new int[] {1_000, 50_000},
        new int[] {10, 100_000},
        new int[] {10, 10_000},
        false);
  }

  private static Limits limits(
      int warmUpSeconds, int maxWarmUpSeconds, int warmUpSpans, int windowSeconds) {
    return new Limits(
        Duration.ofSeconds(warmUpSeconds),
        Duration.ofSeconds(maxWarmUpSeconds),
        warmUpSpans,
        Duration.ofSeconds(windowSeconds));
  }
}

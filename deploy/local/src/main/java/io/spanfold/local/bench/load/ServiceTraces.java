package io.spanfold.local.bench.load;

import java.util.BitSet;
import java.util.SplittableRandom;

/**
 * Draws traces like those recorded in real systems: a trace has 28 spans in 7.3 segments of 4.6
 * services, a segment 3.9 spans. {@code ServiceTracesTest} compares what is drawn with the recorded
 * figures.
 */
final class ServiceTraces {

  /** The number of services of all traces together. */
  static final int SERVICES = 40;

  /**
   * Fitted so that traces of this many segments have as many spans as the recorded ones. The
   * recorded distribution is that of spans.
   */
  private static final Quantiles SEGMENTS =
      Quantiles.of(0, 1, 0.2, 1.3, 0.5, 3.4, 0.7, 11.2, 0.92, 14.2, 0.99, 45, 1, 60);

  /** A trace of n segments has {@code n ^ 0.85} services, at most 14. */
  private static final double SERVICES_EXPONENT = 0.85;

  private static final int MAX_SERVICES = 14;

  /** The percentage of the segments with 1 to 6 spans, then of those with 7 to 15. */
  private static final int[] SMALL_PERCENT = {18, 16, 24, 14, 14, 4};

  private static final int MEDIUM_PERCENT = 9;
  private static final int MEDIUM_FROM = 7;
  private static final int LARGE_FROM = 16;
  private static final int LARGE_UNTIL = 70;

  private ServiceTraces() {}

  /**
   * Draws a trace. A segment's root is a child of a span of an earlier segment; within a segment
   * the tree is random.
   */
  static TraceTree draw(SplittableRandom random) {
    int segments = (int) Math.round(SEGMENTS.at(random.nextDouble()));
    int[] first = new int[segments + 1];
    for (int i = 0; i < segments; i++) {
      first[i + 1] = first[i] + segmentSize(random);
    }
    int spans = first[segments];
    int[] parents = new int[spans];
    int[] services = new int[spans];
    BitSet roots = new BitSet(spans);
    int used = services(segments);
    int firstService = random.nextInt(SERVICES);
    for (int i = 0; i < segments; i++) {
      int service = (firstService + (i < used ? i : random.nextInt(used))) % SERVICES;
      int root = first[i];
      roots.set(root);
      parents[root] = root == 0 ? -1 : random.nextInt(root);
      for (int span = root; span < first[i + 1]; span++) {
        services[span] = service;
        if (span > root) {
          parents[span] = root + random.nextInt(span - root);
        }
      }
    }
    return new TraceTree(parents, roots, services);
  }

  private static int services(int segments) {
    return (int) Math.min(MAX_SERVICES, Math.round(Math.pow(segments, SERVICES_EXPONENT)));
  }

  private static int segmentSize(SplittableRandom random) {
    int percent = random.nextInt(100);
    for (int i = 0; i < SMALL_PERCENT.length; i++) {
      if (percent < SMALL_PERCENT[i]) {
        return i + 1;
      }
      percent -= SMALL_PERCENT[i];
    }
    double skewed = random.nextDouble();
    return percent < MEDIUM_PERCENT
        ? MEDIUM_FROM + (int) ((LARGE_FROM - MEDIUM_FROM) * skewed * skewed)
        : LARGE_FROM + (int) ((LARGE_UNTIL - LARGE_FROM) * skewed * skewed * skewed);
  }
}

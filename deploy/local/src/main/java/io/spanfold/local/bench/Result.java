package io.spanfold.local.bench;

import java.util.List;
import java.util.Map;

/**
 * What one run came to.
 *
 * @param contender what was measured
 * @param load under which load
 * @param figures by name; {@link Figures} tells what they are
 * @param threadMicros CPU of the job's process by kind of thread, microseconds a span
 */
record Result(
    String contender, String load, Map<String, Double> figures, Map<String, Double> threadMicros) {

  /** Returns a figure, or NaN where the run has none of this name. */
  double figure(String name) {
    return figures.getOrDefault(name, Double.NaN);
  }

  /** Returns a figure of several runs. */
  static double[] figures(List<Result> results, String name) {
    return results.stream().mapToDouble(r -> r.figure(name)).filter(Double::isFinite).toArray();
  }
}

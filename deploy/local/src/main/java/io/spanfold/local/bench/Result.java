package io.spanfold.local.bench;

import java.util.List;
import java.util.Map;

/**
 * The result of one run.
 *
 * @param contender its label
 * @param load its name
 * @param figures by their names in {@link Figures}
 * @param threadMicros CPU of the job's process by kind of thread, in microseconds per span
 */
record Result(
    String contender, String load, Map<String, Double> figures, Map<String, Double> threadMicros) {

  /** Returns a figure; NaN if the run does not have it. */
  double figure(String name) {
    return figures.getOrDefault(name, Double.NaN);
  }

  /** Returns a figure of several runs, without those that do not have it. */
  static double[] figures(List<Result> results, String name) {
    return results.stream().mapToDouble(r -> r.figure(name)).filter(Double::isFinite).toArray();
  }
}

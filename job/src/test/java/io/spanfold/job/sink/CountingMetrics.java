package io.spanfold.job.sink;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.SimpleCounter;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;

/** Metrics whose counters can be read. */
final class CountingMetrics extends UnregisteredMetricsGroup {

  private final Map<String, Counter> counters = new HashMap<>();

  @Override
  public Counter counter(String name) {
    return counters.computeIfAbsent(name, unused -> new SimpleCounter());
  }

  long count(String name) {
    return counters.get(name).getCount();
  }
}

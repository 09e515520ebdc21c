package io.spanfold.local.bench;

import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Metric;
import org.apache.flink.metrics.MetricConfig;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.reporter.MetricReporter;
import org.apache.flink.metrics.reporter.MetricReporterFactory;

/**
 * A metric reporter that sums the counters of the jobs in this process on demand: exact and without
 * a reporting interval. Flink creates it by the name of its factory. Thread-safe.
 */
public final class JobCounters implements MetricReporter {

  /** A gauge of Flink's Kafka source: the records of the topic that are not read yet. */
  static final String PENDING = "pendingRecords";

  private static final Map<Counter, String> COUNTERS = new ConcurrentHashMap<>();
  private static final Set<Gauge<?>> PENDING_GAUGES = ConcurrentHashMap.newKeySet();

  /** Returns the counters and {@link #PENDING}, each summed over operators and subtasks. */
  static Map<String, Long> sums() {
    Map<String, Long> sums = new TreeMap<>();
    COUNTERS.forEach((counter, name) -> sums.merge(name, counter.getCount(), Long::sum));
    for (Gauge<?> gauge : PENDING_GAUGES) {
      if (gauge.getValue() instanceof Number pending) {
        sums.merge(PENDING, pending.longValue(), Long::sum);
      }
    }
    return sums;
  }

  @Override
  public void open(MetricConfig config) {}

  @Override
  public void close() {}

  @Override
  public void notifyOfAddedMetric(Metric metric, String name, MetricGroup group) {
    if (metric instanceof Counter counter) {
      COUNTERS.put(counter, name);
    } else if (metric instanceof Gauge<?> gauge && name.equals(PENDING)) {
      PENDING_GAUGES.add(gauge);
    }
  }

  @Override
  public void notifyOfRemovedMetric(Metric metric, String name, MetricGroup group) {
    if (metric instanceof Counter counter) {
      COUNTERS.remove(counter);
    } else if (metric instanceof Gauge<?> gauge) {
      PENDING_GAUGES.remove(gauge);
    }
  }

  /** The factory. */
  public static final class Factory implements MetricReporterFactory {
    @Override
    public MetricReporter createMetricReporter(Properties properties) {
      return new JobCounters();
    }
  }
}

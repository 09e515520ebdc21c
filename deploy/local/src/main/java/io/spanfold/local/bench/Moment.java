package io.spanfold.local.bench;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What all processes have done and used until a moment.
 *
 * @param flink the sample of Flink's process
 * @param redis the usage of each Redis node
 * @param kafkaCpuNanos CPU time of the broker
 */
record Moment(Sample flink, List<RedisMeter.Usage> redis, long kafkaCpuNanos) {

  static Moment now(FlinkRun flink, RedisMeter redis, BenchServers servers) {
    return new Moment(flink.sample(), redis.usage(), servers.kafkaCpuNanos());
  }

  /** Returns the increase of a counter of the job since another moment. */
  long countedSince(Moment begin, String counter) {
    return flink.counter(counter) - begin.flink.counter(counter);
  }

  double secondsSince(Moment begin) {
    return (flink.nanos() - begin.flink.nanos()) / 1e9;
  }

  /**
   * Returns the CPU of all processes since another moment, in microseconds per span, by the names
   * in {@link Figures}.
   *
   * @param withRedis whether the job uses Redis; the idle nodes of another job do not count
   */
  Map<String, Double> cpuSince(Moment begin, double spans, boolean withRedis) {
    double compiling = flink.compilingNanos() - begin.flink.compilingNanos();
    double job = flink.cpuNanos() - begin.flink.cpuNanos() - compiling;
    double kafka = kafkaCpuNanos - begin.kafkaCpuNanos;
    double nodes = 0;
    for (RedisMeter.Usage node : RedisMeter.between(begin.redis, redis)) {
      nodes += withRedis ? node.cpuNanos() : 0;
    }
    Map<String, Double> micros = new LinkedHashMap<>();
    micros.put(Figures.CPU, (job + nodes + kafka) / 1e3 / spans);
    micros.put(Figures.JOB_CPU, job / 1e3 / spans);
    micros.put(Figures.JIT_CPU, compiling / 1e3 / spans);
    if (withRedis) {
      micros.put(Figures.REDIS_CPU, nodes / 1e3 / spans);
    }
    micros.put(Figures.KAFKA_CPU, kafka / 1e3 / spans);
    return micros;
  }
}

package io.spanfold.local.bench;

import io.spanfold.embedded.RedisCluster;
import io.spanfold.local.servers.KafkaProcess;
import io.spanfold.local.servers.RunDirectory;
import io.spanfold.local.servers.ServerStack;
import java.util.List;
import java.util.OptionalInt;

/** The servers that all runs share: a broker and three Redis masters, as processes. */
final class BenchServers implements AutoCloseable {

  private static final List<String> KAFKA_JVM = List.of("-Xms1g", "-Xmx1g", "-XX:+UseParallelGC");

  private final RunDirectory directory;
  private final ServerStack started;
  private KafkaProcess kafka;
  private RedisCluster redis;

  private BenchServers(RunDirectory directory) {
    this.directory = directory;
    this.started = new ServerStack(directory);
  }

  static BenchServers start(RunDirectory directory) {
    BenchServers servers = new BenchServers(directory);
    servers.started.start(servers::startAll);
    return servers;
  }

  private void startAll() {
    kafka = started.add(KafkaProcess.start(directory, OptionalInt.empty(), KAFKA_JVM));
    redis = started.add(RedisCluster.start(directory.subdirectory("redis")));
  }

  RunDirectory directory() {
    return directory;
  }

  String bootstrapServers() {
    return kafka.bootstrapServers();
  }

  RedisCluster redis() {
    return redis;
  }

  /** Returns the broker's CPU time in nanoseconds. */
  long kafkaCpuNanos() {
    return kafka.cpuNanos();
  }

  @Override
  public void close() {
    started.close();
  }
}

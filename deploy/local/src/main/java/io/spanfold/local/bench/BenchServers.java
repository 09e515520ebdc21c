package io.spanfold.local.bench;

import io.spanfold.embedded.RedisCluster;
import io.spanfold.local.RunDirectory;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** The servers that all runs share: the broker as a process of its own, and three Redis nodes. */
final class BenchServers implements AutoCloseable {

  private final RunDirectory directory;
  private final ChildJvm kafka;
  private final RedisCluster redis;
  private final String bootstrapServers;
  private int numbered;

  private BenchServers(
      RunDirectory directory, ChildJvm kafka, String bootstrapServers, RedisCluster redis) {
    this.directory = directory;
    this.kafka = kafka;
    this.bootstrapServers = bootstrapServers;
    this.redis = redis;
  }

  /** Starts them. */
  static BenchServers start(RunDirectory directory) {
    Path home = directory.subdirectory("kafka");
    ChildJvm kafka =
        ChildJvm.start(
            "Kafka",
            KafkaProcess.class,
            directory.path().resolve("kafka.log"),
            directory.subdirectory("tmp"),
            List.of("-Xmx1g", "-Xms1g", "-XX:+UseParallelGC"),
            List.of(home.toString()));
    try {
      String bootstrapServers = kafka.answer();
      RedisCluster redis = RedisCluster.start(directory.subdirectory("redis"));
      return new BenchServers(directory, kafka, bootstrapServers, redis);
    } catch (RuntimeException e) {
      kafka.close();
      throw e;
    }
  }

  String bootstrapServers() {
    return bootstrapServers;
  }

  String redisUri() {
    return redis.uris().stream().map(URI::toString).collect(Collectors.joining(","));
  }

  RedisCluster redis() {
    return redis;
  }

  /** Returns the broker's CPU time in nanoseconds. */
  long kafkaCpuNanos() {
    return kafka.cpuNanos();
  }

  /** Returns a new directory for one run of Flink. */
  Path newFlinkDirectory() {
    return directory.subdirectory("flink-" + ++numbered);
  }

  Path temporary() {
    return directory.subdirectory("tmp");
  }

  /** Returns the log of Flink's processes. */
  Path flinkLog() {
    return directory.path().resolve("flink.log");
  }

  @Override
  public void close() {
    redis.close();
    kafka.close();
  }
}

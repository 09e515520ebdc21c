package io.spanfold.local;

import io.spanfold.embedded.KafkaBroker;
import io.spanfold.embedded.RedisCluster;
import java.net.URI;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * A broker with the topics, a three-node Redis Cluster and Flink, started in this order and stopped
 * in the reverse one. They are stopped also when the process is asked to end, as by Ctrl-C; the
 * run's directory goes then too.
 */
final class LocalServers implements AutoCloseable {

  private final ServerStack started;
  private KafkaBroker broker;
  private RedisCluster redis;
  private LocalFlink flink;

  /**
   * What to start.
   *
   * @param partitions of the source topic
   * @param slots of Flink
   * @param kafkaPort empty for a free one
   * @param webPort of Flink's web UI; empty for a free one
   * @param flinkConfiguration Flink options that win over the usual ones
   */
  record Settings(
      int partitions,
      int slots,
      OptionalInt kafkaPort,
      OptionalInt webPort,
      Map<String, String> flinkConfiguration) {}

  private LocalServers(RunDirectory directory) {
    started = new ServerStack(directory);
  }

  /**
   * Starts all of them: about eight seconds.
   *
   * @throws FailedRunException where one does not start; those before it are stopped again
   */
  static LocalServers start(RunDirectory directory, Settings settings) {
    LocalServers servers = new LocalServers(directory);
    try {
      servers.startAll(directory, settings);
      return servers;
    } catch (IllegalStateException e) {
      servers.close();
      throw new FailedRunException(e.getMessage(), e);
    } catch (RuntimeException e) {
      servers.close();
      throw e;
    }
  }

  private void startAll(RunDirectory directory, Settings settings) {
    KafkaBroker.Builder kafka =
        KafkaBroker.builder()
            .directory(directory.subdirectory("kafka"))
            .property(
                "socket.request.max.bytes", String.valueOf(2 * Topics.MAX_SOURCE_RECORD_BYTES));
    settings.kafkaPort().ifPresent(kafka::port);
    broker = started.keep(kafka.start());
    Topics.create(broker.bootstrapServers(), settings.partitions());
    redis = started.keep(RedisCluster.start(directory.subdirectory("redis")));
    RunningStacks.announce(directory, redisUri());
    flink =
        started.keep(
            LocalFlink.start(
                directory.subdirectory("flink"),
                directory.log(),
                settings.slots(),
                settings.webPort(),
                settings.flinkConfiguration()));
  }

  String bootstrapServers() {
    return broker.bootstrapServers();
  }

  /** Returns the Redis nodes as the job's option takes them. */
  String redisUri() {
    return redis.uris().stream().map(URI::toString).collect(Collectors.joining(","));
  }

  LocalFlink flink() {
    return flink;
  }

  /** Submits the job with the options that these servers make necessary. */
  JobSubmission submit(JobOptions options, boolean bounded, int parallelism) {
    options.connect(bootstrapServers(), redisUri()).set("source.bounded", String.valueOf(bounded));
    return JobSubmission.submit(
        new FlinkRest(flink.address()), JobSubmission.jar(), options, parallelism);
  }

  /** Stops what has been started, the last first. May be called more than once. */
  @Override
  public void close() {
    started.close();
  }
}

package io.spanfold.local;

import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * Everything as processes of its own: a broker with the topics, a Redis Cluster of three masters of
 * which two have a replica, a Flink job manager and two task managers. Stopped like {@link
 * LocalServers}; they end with this process also where it is killed outright, the Redis nodes when
 * the next run begins.
 */
final class ClusterServers implements AutoCloseable {

  private static final int REPLICAS = 2;
  private static final int TASK_MANAGERS = 2;

  private final ServerStack started;
  private BrokerProcess broker;
  private RedisCluster redis;
  private FlinkProcesses flink;

  /**
   * What to start.
   *
   * @param partitions of the source topic
   * @param kafkaPort empty for a free one
   * @param webPort of Flink's web UI; empty for a free one
   * @param flinkConfiguration Flink options that win over the usual ones
   */
  record Settings(
      int partitions,
      OptionalInt kafkaPort,
      OptionalInt webPort,
      Map<String, String> flinkConfiguration) {}

  private ClusterServers(RunDirectory directory) {
    started = new ServerStack(directory);
  }

  /**
   * Starts all of them: about fifteen seconds.
   *
   * @throws FailedRunException where one does not start; those before it are stopped again
   */
  static ClusterServers start(RunDirectory directory, Settings settings) {
    ClusterServers servers = new ClusterServers(directory);
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
    broker = started.keep(BrokerProcess.start(directory, settings.kafkaPort()));
    Topics.create(broker.bootstrapServers(), settings.partitions());
    redis =
        started.keep(
            RedisCluster.start(RedisNode.Options.in(directory.subdirectory("redis")), REPLICAS));
    RunningStacks.announce(directory, redisUri());
    flink =
        started.keep(
            FlinkProcesses.start(
                directory, TASK_MANAGERS, settings.webPort(), settings.flinkConfiguration()));
  }

  BrokerProcess broker() {
    return broker;
  }

  RedisCluster redis() {
    return redis;
  }

  FlinkProcesses flink() {
    return flink;
  }

  /** Returns the Redis nodes as the job's option takes them. */
  String redisUri() {
    return redis.uris().stream().map(URI::toString).collect(Collectors.joining(","));
  }

  /**
   * Submits the job with the options that these servers make necessary.
   *
   * @param restoreFrom the savepoint or retained checkpoint to go on from; empty for none
   */
  JobSubmission submit(JobOptions options, int parallelism, Optional<String> restoreFrom) {
    options.connect(broker.bootstrapServers(), redisUri()).set("source.bounded", "false");
    return JobSubmission.submit(
        new FlinkRest(flink.address()), JobSubmission.jar(), options, parallelism, restoreFrom);
  }

  @Override
  public void close() {
    started.close();
  }
}

package io.spanfold.local.servers;

import io.spanfold.embedded.KafkaBroker;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.flink.FlinkRestClient;
import io.spanfold.local.flink.JobOptions;
import io.spanfold.local.flink.SubmittedJob;
import io.spanfold.local.kafka.Topics;
import java.util.List;
import java.util.Optional;

/**
 * All servers as processes: a broker with the topics, a Redis Cluster of three masters of which two
 * have a replica, a Flink job manager and two task managers; on request a second broker. All stop
 * with {@link #close()} or when the JVM shuts down. If it is killed with SIGKILL, the Java
 * processes end at once and the next run ends the Redis nodes.
 */
public final class ProcessServers implements AutoCloseable {

  private static final int REPLICAS = 2;
  private static final int TASK_MANAGERS = 2;
  private static final int SECOND_BROKER = 2;

  private final ServerStack started;
  private KafkaProcess broker;
  private KafkaProcess secondBroker;
  private RedisCluster redis;
  private FlinkProcesses flink;
  private FlinkRestClient rest;

  private ProcessServers(RunDirectory directory) {
    started = new ServerStack(directory);
  }

  /**
   * Starts all servers: about fifteen seconds.
   *
   * @throws FailedRunException if a server does not start; the others are stopped
   */
  public static ProcessServers start(RunDirectory directory, ServerSettings settings) {
    ProcessServers servers = new ProcessServers(directory);
    servers.started.start(() -> servers.startAll(directory, settings));
    return servers;
  }

  private void startAll(RunDirectory directory, ServerSettings settings) {
    broker = started.add(KafkaProcess.start(directory, settings.kafkaPort(), KafkaProcess.SMALL));
    Topics.create(bootstrapServers(), settings.partitions());
    redis =
        started.add(
            RedisCluster.start(
                RedisNode.Options.in(directory.subdirectory("redis"))
                    .withMaxMemory(settings.redisBytes()),
                REPLICAS));
    RunningRedis.announce(directory, redisUri());
    flink =
        started.add(
            FlinkProcesses.start(
                directory, TASK_MANAGERS, settings.webPort(), settings.flinkConfiguration()));
    rest = new FlinkRestClient(flink.address());
  }

  /**
   * Starts a second broker and adds a partition to the source topic, which it leads. It leads
   * nothing else, so that all but this partition works without it. Takes about five seconds.
   *
   * @throws FailedRunException if it does not start; all servers are stopped
   */
  public void startSecondBroker() {
    started.start(
        () -> {
          Topics.createInternal(bootstrapServers());
          secondBroker = started.add(broker.startSecond());
          KafkaBroker.addPartitions(bootstrapServers(), Topics.SPANS, List.of(SECOND_BROKER));
        });
  }

  public KafkaProcess broker() {
    return broker;
  }

  /** Returns the second broker, which must have been started. */
  public KafkaProcess secondBroker() {
    return secondBroker;
  }

  public RedisCluster redis() {
    return redis;
  }

  public FlinkProcesses flink() {
    return flink;
  }

  public FlinkRestClient rest() {
    return rest;
  }

  public String bootstrapServers() {
    return broker.bootstrapServers();
  }

  /** Returns the value of the job's {@code redis.uri}. */
  public String redisUri() {
    return redis.uriList();
  }

  /**
   * Submits the job with an unbounded source.
   *
   * @param restoreFrom a savepoint or retained checkpoint; empty for none
   * @throws FailedRunException if the job refuses its options
   */
  public SubmittedJob submit(JobOptions options, int parallelism, Optional<String> restoreFrom) {
    options.connect(bootstrapServers(), redisUri(), false);
    return SubmittedJob.submit(rest, options, parallelism, restoreFrom);
  }

  @Override
  public void close() {
    started.close();
  }
}

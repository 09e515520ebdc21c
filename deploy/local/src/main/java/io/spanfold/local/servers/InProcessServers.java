package io.spanfold.local.servers;

import io.spanfold.embedded.KafkaBroker;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.flink.FlinkRestClient;
import io.spanfold.local.flink.JobOptions;
import io.spanfold.local.flink.SubmittedJob;
import io.spanfold.local.kafka.Topics;
import java.net.URI;
import java.util.Optional;

/**
 * A broker with the topics and a Flink cluster in this JVM, and a Redis Cluster of three masters,
 * which are processes. All stop with {@link #close()} or when the JVM shuts down.
 */
public final class InProcessServers implements AutoCloseable {

  private final ServerStack started;
  private KafkaBroker broker;
  private RedisCluster redis;
  private FlinkMiniCluster flink;

  private InProcessServers(RunDirectory directory) {
    started = new ServerStack(directory);
  }

  /**
   * Starts all servers: about eight seconds.
   *
   * @param slots of Flink
   * @throws FailedRunException if a server does not start; the others are stopped
   */
  public static InProcessServers start(RunDirectory directory, int slots, ServerSettings settings) {
    InProcessServers servers = new InProcessServers(directory);
    servers.started.start(() -> servers.startAll(directory, slots, settings));
    return servers;
  }

  private void startAll(RunDirectory directory, int slots, ServerSettings settings) {
    KafkaBroker.Builder kafka =
        KafkaProcess.forLargeRecords().directory(directory.subdirectory("kafka"));
    settings.kafkaPort().ifPresent(kafka::port);
    broker = started.add(kafka.start());
    Topics.create(bootstrapServers(), settings.partitions());
    redis = started.add(RedisCluster.start(directory.subdirectory("redis")));
    RunningRedis.announce(directory, redisUri());
    flink =
        started.add(
            FlinkMiniCluster.start(
                directory.subdirectory("flink"),
                directory.log(),
                slots,
                settings.webPort(),
                settings.flinkConfiguration()));
  }

  public String bootstrapServers() {
    return broker.bootstrapServers();
  }

  /** Returns the value of the job's {@code redis.uri}. */
  public String redisUri() {
    return redis.uriList();
  }

  /** Returns the address of Flink's web UI. */
  public URI webUi() {
    return flink.address();
  }

  /**
   * Submits the job.
   *
   * @param bounded whether the job ends at the current end of the source topic
   * @throws FailedRunException if the job refuses its options
   */
  public SubmittedJob submit(JobOptions options, int parallelism, boolean bounded) {
    options.connect(bootstrapServers(), redisUri(), bounded);
    return SubmittedJob.submit(
        new FlinkRestClient(webUi()), options, parallelism, Optional.empty());
  }

  @Override
  public void close() {
    started.close();
  }
}

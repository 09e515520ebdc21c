package io.spanfold;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.lease.LeaseAnswer;
import io.spanfold.buffer.lease.LeaseAnswer.State;
import io.spanfold.buffer.lease.LeaseClaim;
import io.spanfold.buffer.lease.LeaseRefusedException;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.lease.LeaseStore;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.embedded.Await;
import io.spanfold.embedded.RedisNode;
import io.spanfold.job.async.AsyncStageOperator;
import io.spanfold.job.async.AsyncStageSettings;
import io.spanfold.job.gate.RedisGateSettings;
import io.spanfold.job.serialization.StateType;
import io.spanfold.job.write.WriteFunction;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A stage of the job, in Flink, on a Redis that another job may own. */
@Timeout(120)
class SecondJobITCase {

  private static final Duration TTL = Duration.ofSeconds(2);
  private static final LeaseClaim FIRST = new LeaseClaim("main", "first", "a".repeat(32), 0);

  @TempDir Path directory;
  private RedisNode redis;
  private LeaseStore first;

  @BeforeEach
  void start() {
    redis = RedisNode.start(RedisNode.Options.in(directory));
    first = new LeaseStore(store().redis());
  }

  @AfterEach
  void stop() {
    first.close();
    redis.close();
  }

  @Test
  void failsWithoutRestartsWhileTheFirstJobRuns() throws Exception {
    LeaseAnswer held = first.take(FIRST, TTL);
    try (MiniCluster cluster = cluster()) {
      JobID second = submit(cluster);
      Await.until(
          () -> {
            assertThat(first.renew(FIRST, held, TTL).state()).isEqualTo(State.HELD);
            return cluster.getJobStatus(second).get().isGloballyTerminalState();
          });
      assertThat(cluster.getJobStatus(second).get()).isEqualTo(JobStatus.FAILED);
      Throwable failure = catchThrowable(() -> result(cluster, second));
      assertThat(failure)
          .hasStackTraceContaining("JobException: The failure is not recoverable")
          .hasStackTraceContaining(
              "failed: the Redis at [" + redis.uri() + "] is the buffer main of job first since")
          .hasStackTraceContaining("(buffer second) a Redis of its own");
      assertThat(failure).hasStackTraceContaining(LeaseRefusedException.class.getSimpleName());
      assertThat(first.renew(FIRST, held, TTL).state()).isEqualTo(State.HELD);
    }
  }

  @Test
  void startsOnceTheFirstJobIsGone() throws Exception {
    LeaseAnswer held = first.take(FIRST, TTL);
    try (MiniCluster cluster = cluster()) {
      result(cluster, submit(cluster));
      assertThat(first.renew(FIRST, held, TTL).state())
          .as("the first job, when it wakes up")
          .isEqualTo(State.SUPERSEDED);
    }
  }

  private static void result(MiniCluster cluster, JobID job) throws Exception {
    cluster
        .requestJobResult(job)
        .get(60, TimeUnit.SECONDS)
        .toJobExecutionResult(SecondJobITCase.class.getClassLoader());
  }

  private static MiniCluster cluster() throws Exception {
    MiniCluster cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(1)
                .withRandomPorts()
                .build());
    cluster.start();
    return cluster;
  }

  private JobID submit(MiniCluster cluster) throws Exception {
    Configuration configuration = new Configuration();
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    configuration.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 1_000);
    configuration.set(
        RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(100));
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(configuration);
    env.setParallelism(1);
    // A released lease lasts for three renewals; the test looks at it after the job has ended.
    LeaseSettings lease = new LeaseSettings(store().redis(), "second", TTL, Duration.ofSeconds(2));
    env.fromData(StateType.SPAN_BATCH, new SpanBatch(List.of()))
        .transform(
            "Write",
            StateType.STORED_TRACE,
            new AsyncStageOperator<>(
                new WriteFunction(store(), lease, RedisGateSettings.of(store().redis(), 0.8)),
                AsyncStageSettings.ordered(1).maxWaiting(1_000),
                StateType.SPAN_BATCH))
        .sinkTo(new DiscardingSink<>());
    return cluster.submitJob(env.getStreamGraph()).get().getJobID();
  }

  private StoreSettings store() {
    return StoreSettings.of(List.of(redis.uri()));
  }
}

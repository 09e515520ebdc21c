package io.spanfold.job.preflight;

import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.job.config.InvalidSetupException;
import io.spanfold.job.config.SpanfoldConfig;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.apache.flink.client.program.StreamPlanEnvironment;
import org.apache.flink.configuration.PipelineOptionsInternal;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.common.KafkaException;

/**
 * The checks of Flink's settings, Kafka and Redis before the job is submitted. They only read,
 * except for one key in each Redis node that expires after a second. Those of the servers take a
 * second or two, up to three more if a job that has ended left its lease, and about half a minute
 * if a server does not answer.
 */
public final class PreflightChecks {

  private PreflightChecks() {}

  /** The kind of the submission. */
  enum Submission {
    /** Only the graph, as for {@code flink info} and Flink's REST plan. */
    PLAN,
    NEW_JOB,
    /** A job that continues from a savepoint or a checkpoint. */
    RESTORED_JOB
  }

  /**
   * The start of the job.
   *
   * @param jobId the id, if it is known before the start, as that of an application whose job
   *     manager was restarted
   */
  record JobStart(Submission submission, Optional<String> jobId, Duration checkpointTimeout) {

    static JobStart of(StreamExecutionEnvironment env) {
      ReadableConfig flink = env.getConfiguration();
      boolean restores = flink.getOptional(StateRecoveryOptions.SAVEPOINT_PATH).isPresent();
      return new JobStart(
          env instanceof StreamPlanEnvironment
              ? Submission.PLAN
              : restores ? Submission.RESTORED_JOB : Submission.NEW_JOB,
          flink.getOptional(PipelineOptionsInternal.PIPELINE_FIXED_JOB_ID),
          Duration.ofMillis(env.getCheckpointConfig().getCheckpointTimeout()));
    }
  }

  /** Runs all checks for a job that is about to be submitted from {@code env}. */
  public static CheckReport run(
      SpanfoldConfig config,
      ConnectionSettings connection,
      LeaseSettings lease,
      StreamExecutionEnvironment env)
      throws InterruptedException {
    JobStart start = JobStart.of(env);
    CheckReport report = flink(env);
    new KafkaCheck(config, start, report).run();
    RedisCheck redis = new RedisCheck(config.redis(), connection, report);
    if (redis.run()) {
      redis.checkLease(lease, start);
    }
    return report;
  }

  /** Checks Flink's settings only, for a job that is about to be submitted from {@code env}. */
  public static CheckReport flink(StreamExecutionEnvironment env) {
    CheckReport report = new CheckReport();
    new FlinkCheck(env.getConfiguration(), report).run();
    return report;
  }

  /**
   * Returns the largest value of a record on the segments topic, in bytes: the configured one, or
   * what the topic accepts less a margin for key and headers. Asks Kafka only in the latter case.
   *
   * @throws InvalidSetupException if the topic's limit is unknown or too small
   */
  public static int chunkBytes(SpanfoldConfig config) {
    if (config.flush().chunkBytes() > 0) {
      return config.flush().chunkBytes();
    }
    try (KafkaServers kafka = new KafkaServers(config)) {
      long accepted = kafka.maxMessageBytes(config.sink().topic());
      CheckReport report = new CheckReport();
      new TopicCheck(config, kafka, report).segments(accepted);
      report.refuse();
      return (int)
          Math.min(accepted - SpanfoldConfig.RECORD_OVERHEAD_BYTES, SpanfoldConfig.MAX_CHUNK_BYTES);
    } catch (KafkaException e) {
      String problem =
          "The largest record that sink.topic (%s) accepts is unknown (%s); create the topic, check kafka.bootstrap.servers, or set flush.chunk-bytes."
              .formatted(config.sink().topic(), KafkaServers.reason(e));
      throw new InvalidSetupException(List.of(problem), e);
    }
  }
}

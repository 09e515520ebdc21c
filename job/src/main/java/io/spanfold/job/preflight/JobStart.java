package io.spanfold.job.preflight;

import java.time.Duration;
import java.util.Optional;
import org.apache.flink.client.program.StreamPlanEnvironment;
import org.apache.flink.configuration.PipelineOptionsInternal;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * How the job is about to start, as far as that matters for what is asked.
 *
 * @param runs false where only its graph is made, as for {@code flink info} and Flink's REST plan
 * @param restores whether it goes on from a savepoint or a checkpoint
 * @param jobId its id, where that is known before the start: that of an application, for instance,
 *     whose job manager was restarted
 * @param checkpointTimeout how long a checkpoint may take
 */
public record JobStart(
    boolean runs, boolean restores, Optional<String> jobId, Duration checkpointTimeout) {

  /** Reads it from the environment that the job is to be built in. */
  public static JobStart of(StreamExecutionEnvironment env) {
    ReadableConfig flink = env.getConfiguration();
    return new JobStart(
        !(env instanceof StreamPlanEnvironment),
        flink.getOptional(StateRecoveryOptions.SAVEPOINT_PATH).isPresent(),
        flink.getOptional(PipelineOptionsInternal.PIPELINE_FIXED_JOB_ID),
        Duration.ofMillis(env.getCheckpointConfig().getCheckpointTimeout()));
  }
}

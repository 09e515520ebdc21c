package io.spanfold.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;

/** Operations on running jobs. */
public final class Jobs {

  private Jobs() {}

  /**
   * Stops a job, as soon as all its tasks are running, and waits for its end.
   *
   * @return the location of the savepoint
   */
  public static String stopWithSavepoint(JobClient job, Path directory, boolean drain)
      throws Exception {
    while (true) {
      try {
        String savepoint =
            job.stopWithSavepoint(
                    drain, directory.toUri().toString(), SavepointFormatType.CANONICAL)
                .get();
        job.getJobExecutionResult().get();
        return savepoint;
      } catch (ExecutionException e) {
        assertThat(e).hasStackTraceContaining("Not all required tasks are currently running");
      }
    }
  }
}

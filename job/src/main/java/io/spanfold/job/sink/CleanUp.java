package io.spanfold.job.sink;

import io.spanfold.core.model.FlushedPart.Receipt;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import org.apache.flink.metrics.MetricGroup;

/**
 * Deletes what parts were made from, once their records are committed. Used by one thread, that of
 * the committer, which no checkpoint passes meanwhile: an implementation bounds how long it tries.
 */
public interface CleanUp extends AutoCloseable {

  /**
   * Cleans up after committed parts. The same receipts can come again, in whole or in part: doing
   * it twice must do nothing more.
   *
   * @param receipts of committed parts, in the order in which they were written
   * @throws IOException where some of it could not be done, as an unchecked exception also tells
   * @throws NotOwnerException where nothing was done, as it is somebody else's now: fails the task
   * @throws InterruptedException where the job is being cancelled
   */
  void cleanUp(List<Receipt> receipts) throws IOException, InterruptedException;

  @Override
  void close() throws IOException;

  /** Makes the clean-up of one committer, on its task manager. */
  @FunctionalInterface
  interface Factory extends Serializable {

    /**
     * Makes one.
     *
     * @param metrics the committer's metric group
     * @throws IOException where the store cannot be reached; tried again with the next commit, as
     *     an unchecked exception also is
     */
    CleanUp create(MetricGroup metrics) throws IOException;
  }
}

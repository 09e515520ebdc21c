package io.spanfold.job.sink;

import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import java.util.function.Consumer;
import org.apache.flink.metrics.MetricGroup;

/**
 * Makes parts again that were flushed before, as the transaction with their records was aborted.
 * Used by one thread, that of the committer.
 */
public interface Rebuild extends AutoCloseable {

  /**
   * Makes parts again. As long as nothing of a part is lost its messages have the ids that they had
   * before.
   *
   * @param receipts of the parts, in the order in which they were written
   * @param parts is given each, in this order; not all of them are in memory at once
   * @throws IOException where it could not be done now, as an unchecked exception also tells
   * @throws InterruptedException where the job is being cancelled
   */
  void rebuild(List<Receipt> receipts, Consumer<FlushedPart> parts)
      throws IOException, InterruptedException;

  @Override
  void close() throws IOException;

  /** Makes the one of a committer, on its task manager, when it is needed. */
  @FunctionalInterface
  interface Factory extends Serializable {

    /**
     * Makes one.
     *
     * @param metrics the committer's metric group
     * @throws IOException where what it reads from cannot be reached
     */
    Rebuild create(MetricGroup metrics) throws IOException;
  }
}

package io.spanfold.job.sink;

import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.job.sink.SegmentStrategy.CleanUp;
import io.spanfold.job.sink.SegmentStrategy.Opener;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The committed parts that are still to be cleaned up; usually none between two commits.
 *
 * <p>A failed clean-up does not fail the task: its records are committed, and it only costs memory
 * in Redis until the keys' TTL. The receipts are kept here, outside of state, and tried again with
 * the next commit. Flink's own retries are not used: Flink makes them at once, right after the
 * store has given up, and then fails the job, which would restart for as long as Redis is down. The
 * number of kept receipts is bounded. The oldest beyond that, and those that remain when the
 * committer closes, are left to the TTL and counted.
 *
 * <p>Not thread-safe.
 */
final class PendingCleanUps implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(PendingCleanUps.class);

  /** How many parts one call cleans up, so that progress is kept if a later call fails. */
  private static final int BATCH_PARTS = 1_000;

  /** A receipt takes some tens of bytes a span, so this is of the order of 100 MB. */
  private static final long MAX_SPANS = 1_000_000;

  private final Opener<CleanUp> opener;
  private final MetricGroup metrics;
  private final long maxSpans;
  private final Counter done;
  private final Counter failed;
  private final Counter abandoned;
  private final Deque<Receipt> receipts = new ArrayDeque<>();
  private long spans;
  private CleanUp cleanUp;

  PendingCleanUps(Opener<CleanUp> opener, MetricGroup metrics) {
    this(opener, metrics, MAX_SPANS);
  }

  /**
   * @param opener opens the clean-up when it is first needed, so that a job can start and commit
   *     while Redis is unavailable
   * @param maxSpans how many spans the kept receipts may name
   */
  PendingCleanUps(Opener<CleanUp> opener, MetricGroup metrics, long maxSpans) {
    this.opener = opener;
    this.metrics = metrics;
    this.maxSpans = maxSpans;
    this.done = metrics.counter("cleanUpsDone");
    this.failed = metrics.counter("cleanUpsFailed");
    this.abandoned = metrics.counter("cleanUpsAbandoned");
    metrics.gauge("cleanUpsPending", receipts::size);
  }

  /** Adds the receipts of committed parts. */
  void add(EncodedItems<Receipt> committed) {
    for (Receipt receipt : committed) {
      receipts.add(receipt);
      spans += cost(receipt);
    }
  }

  /** A discard names no span, but takes memory as well. */
  private static int cost(Receipt receipt) {
    return Math.max(1, receipt.spanIds().length);
  }

  /** Bounds what is kept after a failure. All of it was tried at least once, or is behind it. */
  private void abandonTheOldest() {
    int left = receipts.size();
    while (spans > maxSpans && receipts.size() > 1) {
      spans -= cost(receipts.remove());
    }
    int gone = left - receipts.size();
    if (gone > 0) {
      abandoned.inc(gone);
      LOG.warn(
          "Clean-up is too far behind; the payloads of {} committed parts are left to their TTL.",
          gone);
    }
  }

  /**
   * Tries to clean up all pending parts, and stops at the first failure.
   *
   * @return whether nothing is pending any more
   * @throws RuntimeException if another job or attempt has taken over, so that nothing may be done
   */
  boolean run() throws InterruptedException {
    while (!receipts.isEmpty()) {
      List<Receipt> batch = receipts.stream().limit(BATCH_PARTS).toList();
      try {
        if (cleanUp == null) {
          cleanUp = opener.open(metrics);
        }
        cleanUp.cleanUp(batch);
      } catch (IOException e) {
        failed.inc();
        LOG.warn(
            "{} committed parts could not be cleaned up; the next commit tries again.",
            receipts.size(),
            e);
        abandonTheOldest();
        return false;
      }
      done.inc(batch.size());
      for (Receipt receipt : batch) {
        receipts.remove();
        spans -= cost(receipt);
      }
    }
    return true;
  }

  @Override
  public void close() throws IOException {
    if (!receipts.isEmpty()) {
      abandoned.inc(receipts.size());
      LOG.warn(
          "The committer closes; the payloads of {} committed parts are left to their TTL.",
          receipts.size());
    }
    if (cleanUp != null) {
      cleanUp.close();
    }
  }
}

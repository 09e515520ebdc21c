package io.spanfold.job.sink;

import io.spanfold.core.model.FlushedPart.Receipt;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The committed parts that are still to be cleaned up, usually none between two commits.
 *
 * <p>A clean-up that fails fails nothing else: its records are committed, and all that is at stake
 * is memory in Redis, which the keys' TTL gives back. The receipts are kept here, outside of state,
 * and tried again with the next commit. They are not handed back to Flink for its own retries: it
 * makes these at once, right after the store gave up its own, and then fails the job, which would
 * restart for as long as Redis is down. What is kept is bounded; the oldest beyond that, and what
 * is left when the committer closes, is left to the TTL and counted.
 *
 * <p>Not safe for use by several threads.
 */
final class PendingCleanUps implements PostCommitAction<Receipt> {

  private static final Logger LOG = LoggerFactory.getLogger(PendingCleanUps.class);

  /** How many parts are cleaned up by one call, so that progress is kept when a later one fails. */
  private static final int BATCH_PARTS = 1_000;

  /** A receipt takes some tens of bytes a span, so this is of the order of 100 MB. */
  private static final long MAX_SPANS = 1_000_000;

  private final CleanUp.Factory factory;
  private final MetricGroup metrics;
  private final long maxSpans;
  private final Counter done;
  private final Counter failed;
  private final Counter abandoned;
  private final Deque<Receipt> receipts = new ArrayDeque<>();
  private long spans;
  private CleanUp cleanUp;

  PendingCleanUps(CleanUp.Factory factory, MetricGroup metrics) {
    this(factory, metrics, MAX_SPANS);
  }

  /**
   * @param factory makes the clean-up when it is first needed, so that a job can start, and commit
   *     what it has to, while Redis is away
   * @param metrics where to count
   * @param maxSpans how many spans the kept receipts may name
   */
  PendingCleanUps(CleanUp.Factory factory, MetricGroup metrics, long maxSpans) {
    this.factory = factory;
    this.metrics = metrics;
    this.maxSpans = maxSpans;
    this.done = metrics.counter("cleanUpsDone");
    this.failed = metrics.counter("cleanUpsFailed");
    this.abandoned = metrics.counter("cleanUpsAbandoned");
    metrics.gauge("cleanUpsPending", receipts::size);
  }

  /** Takes the receipts of committed parts; nothing is tried yet. */
  @Override
  public void add(List<Receipt> committed) {
    for (Receipt receipt : committed) {
      receipts.add(receipt);
      spans += receipt.spanIds().length;
    }
    long before = abandoned.getCount();
    while (spans > maxSpans && receipts.size() > 1) {
      spans -= receipts.remove().spanIds().length;
      abandoned.inc();
    }
    if (abandoned.getCount() > before) {
      LOG.warn(
          "Clean-up is too far behind: the payloads of {} committed parts are left to their TTL.",
          abandoned.getCount() - before);
    }
  }

  /**
   * Tries to clean up all that is pending, and stops at the first failure.
   *
   * @return whether nothing is pending any more
   * @throws NotOwnerException where this is no longer ours to do
   */
  @Override
  public boolean run() throws InterruptedException {
    while (!receipts.isEmpty()) {
      List<Receipt> batch = receipts.stream().limit(BATCH_PARTS).toList();
      try {
        if (cleanUp == null) {
          cleanUp = factory.create(metrics);
        }
        cleanUp.cleanUp(batch);
      } catch (NotOwnerException e) {
        throw e; // Not a clean-up that can be made up for: somebody else is at work here.
      } catch (IOException | RuntimeException e) {
        failed.inc();
        LOG.warn(
            "{} committed parts could not be cleaned up; they are tried again after the next"
                + " commit.",
            receipts.size(),
            e);
        return false;
      }
      done.inc(batch.size());
      for (Receipt receipt : batch) {
        receipts.remove();
        spans -= receipt.spanIds().length;
      }
    }
    return true;
  }

  @Override
  public void close() throws IOException {
    if (!receipts.isEmpty()) {
      abandoned.inc(receipts.size());
      LOG.warn(
          "The payloads of {} committed parts are left to their TTL, as the committer closes.",
          receipts.size());
    }
    if (cleanUp != null) {
      cleanUp.close();
    }
  }
}

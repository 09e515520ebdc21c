package io.spanfold.sink;

import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where transactions go that the broker refused to commit: those that it aborted because they were
 * open for too long, and, after a restart, those that were committed before it, as the checkpoint
 * always holds the last ones and asks for them again.
 *
 * <p>The two cannot be told apart from the refusal. So nothing is deleted for either: where the
 * records are in the topic, the payloads are garbage that the TTL bounds; where they are not, they
 * are all there is. The flush ids in the receipts tell which, when they are looked for in the sink
 * topic, and this is the place to do so.
 *
 * <p>Alert on {@code commitsRefused} growing while the job was not restarted.
 */
final class RefusedCommits {

  private static final Logger LOG = LoggerFactory.getLogger(RefusedCommits.class);

  private final Counter refused;
  private final Counter refusedFlushes;

  RefusedCommits(MetricGroup metrics) {
    this.refused = metrics.counter("commitsRefused");
    this.refusedFlushes = metrics.counter("flushesRefused");
  }

  /**
   * Takes a refused transaction.
   *
   * @param committable the transaction and the parts in it
   * @param cause what the broker said
   */
  void add(SegmentCommittable committable, Throwable cause) {
    long flushes =
        committable.receipts().stream().mapToLong(receipt -> receipt.flushIds().size()).sum();
    refused.inc();
    refusedFlushes.inc(flushes);
    LOG.error(
        "The broker refused to commit transaction {} with {} flushes of {} parts. If the job was"
            + " just restarted it was most likely committed before; otherwise the broker aborted"
            + " it, and these segments are missing from the sink topic. Their payloads stay in"
            + " Redis until their TTL.",
        committable.transaction().getTransactionalId(),
        flushes,
        committable.receipts().size(),
        cause);
  }
}

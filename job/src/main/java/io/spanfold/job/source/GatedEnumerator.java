package io.spanfold.job.source;

import io.spanfold.job.adopt.AdoptionOver;
import io.spanfold.job.time.SourceClock;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.connector.kafka.source.enumerator.KafkaSourceEnumState;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.kafka.common.Uuid;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The enumerator of Kafka's source, with what this source adds: it may start, and so assign
 * partitions, only once the adoption is complete; it tells each reader the highest clock of all;
 * and a bounded source also ends after a restore. Confined to the coordinator's thread.
 */
final class GatedEnumerator implements SplitEnumerator<ClockedSplit, GatedEnumeratorState> {

  private static final Logger LOG = LoggerFactory.getLogger(GatedEnumerator.class);

  private final SplitEnumerator<KafkaPartitionSplit, KafkaSourceEnumState> enumerator;
  private final CoordinatorContext context;
  private final SourceTopic topic;
  private final boolean endsAfterDiscovery;
  private Uuid topicId;
  private boolean waitsForAdoption;
  private long front = SourceClock.NONE;

  /**
   * Wraps an enumerator that was made with {@code context}.
   *
   * @param topicId the id of the topic in state
   * @param waitsForAdoption whether it starts when the adoption is complete. Until then its state
   *     is that of an enumerator that has not discovered anything.
   * @param endsAfterDiscovery whether no partitions come after those that exist. Connector
   *     5.0.0-2.2 does not say so after a restore.
   */
  GatedEnumerator(
      SplitEnumerator<KafkaPartitionSplit, KafkaSourceEnumState> enumerator,
      CoordinatorContext context,
      SourceTopic topic,
      Uuid topicId,
      boolean waitsForAdoption,
      boolean endsAfterDiscovery) {
    this.enumerator = enumerator;
    this.context = context;
    this.topic = topic;
    this.topicId = topicId;
    this.waitsForAdoption = waitsForAdoption;
    this.endsAfterDiscovery = endsAfterDiscovery;
    if (endsAfterDiscovery) {
      context.onDiscovery(this::signalEnd);
    }
  }

  @Override
  public void start() {
    context.observe(topic::id, this::continueWith);
    if (waitsForAdoption) {
      LOG.info("The source starts after the adoption of the spans in Redis.");
    } else {
      enumerator.start();
    }
  }

  private void continueWith(Uuid now, Throwable failure) {
    if (failure == null) {
      topic.check(topicId, now);
      topicId = now;
    } else {
      LOG.warn(
          "The id of the topic {} is unknown; the next start checks it.", topic.name(), failure);
    }
  }

  @Override
  public void handleSourceEvent(int subtask, SourceEvent event) {
    if (event instanceof ClockReport report) {
      front = Math.max(front, report.time());
      // Before, a reader may still get partitions, and must hold the others back.
      if (context.isDiscovered() && context.registeredReaders().containsKey(subtask)) {
        context.sendEventToSourceReader(subtask, new ClockReport(front));
      }
    } else if (!(event instanceof AdoptionOver)) {
      enumerator.handleSourceEvent(subtask, event);
    } else if (waitsForAdoption) {
      // The event comes again from tasks that were restarted.
      waitsForAdoption = false;
      LOG.info("The adoption is complete; the source starts.");
      enumerator.start();
    }
  }

  @Override
  public void addReader(int subtask) {
    context.readerChanged(subtask);
    enumerator.addReader(subtask);
    if (endsAfterDiscovery && context.isDiscovered()) {
      signalEnd();
    }
  }

  private void signalEnd() {
    Set.copyOf(context.registeredReaders().keySet()).forEach(context::signalNoMoreSplits);
  }

  /** They were assigned after the last checkpoint, so no record of them is in state. */
  @Override
  public void addSplitsBack(List<ClockedSplit> splits, int subtask) {
    enumerator.addSplitsBack(splits.stream().map(ClockedSplit::partition).toList(), subtask);
  }

  @Override
  public void handleSplitRequest(int subtask, String host) {
    enumerator.handleSplitRequest(subtask, host);
  }

  @Override
  public GatedEnumeratorState snapshotState(long checkpointId) throws Exception {
    return new GatedEnumeratorState(enumerator.snapshotState(checkpointId), topicId);
  }

  @Override
  public void notifyCheckpointComplete(long checkpointId) throws Exception {
    enumerator.notifyCheckpointComplete(checkpointId);
  }

  @Override
  public void notifyCheckpointAborted(long checkpointId) throws Exception {
    enumerator.notifyCheckpointAborted(checkpointId);
  }

  @Override
  public void close() throws IOException {
    enumerator.close();
  }
}

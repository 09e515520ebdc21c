package io.spanfold.job.source;

import io.spanfold.job.adopt.AdoptionStatus;
import io.spanfold.job.resource.SharedResource.Share;
import io.spanfold.job.time.SourceClock;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.util.IOUtils;

/**
 * A reader behind a gate. While the gate is closed nothing is available; barriers, watermarks,
 * splits and commits of offsets continue.
 *
 * <p>The end of a bounded input waits until it is known what was deleted before it was read, and
 * until the records read so far are probably in Redis. After the end no barrier passes a refused
 * write, so nothing would be committed and no memory would be freed.
 */
final class GatedReader<T> implements SourceReader<T, ClockedSplit> {

  /** How long the last records may take to Redis. */
  private static final long SETTLED_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final long END_CHECK_MILLIS = 500;

  private final SourceReader<T, KafkaPartitionSplit> reader;
  private final SourceGate gate;
  private final Share<SourceClock> clock;
  private final LeaderOffsets leaders;
  private final Share<AdoptionStatus> adoption;

  private boolean started;
  private boolean ended;
  private long endedNanos;

  GatedReader(
      SourceReader<T, KafkaPartitionSplit> reader,
      SourceGate gate,
      Share<SourceClock> clock,
      LeaderOffsets leaders,
      Share<AdoptionStatus> adoption) {
    this.reader = reader;
    this.gate = gate;
    this.clock = clock;
    this.leaders = leaders;
    this.adoption = adoption;
  }

  @Override
  public void start() {
    reader.start();
  }

  @Override
  public InputStatus pollNext(ReaderOutput<T> output) throws Exception {
    if (!started) {
      started = true;
      clock.get().emit(output);
    }
    if (!gate.isOpen()) {
      return InputStatus.NOTHING_AVAILABLE;
    }
    InputStatus input = reader.pollNext(output);
    if (input == InputStatus.END_OF_INPUT && !ended) {
      ended = true;
      endedNanos = System.nanoTime();
    }
    return ended && !isSettled() ? InputStatus.NOTHING_AVAILABLE : input;
  }

  private boolean isSettled() {
    boolean hasWaited = System.nanoTime() - endedNanos > SETTLED_NANOS;
    return !gate.underPressure() && (hasWaited || gate.hasHeadroom() && clock.get().isDecided());
  }

  /** Completes if there may be a record; the gate is checked again before one is read. */
  @Override
  public CompletableFuture<Void> isAvailable() {
    if (!gate.isOpen()) {
      return gate.whenOpen();
    }
    return ended
        ? new CompletableFuture<Void>()
            .completeOnTimeout(null, END_CHECK_MILLIS, TimeUnit.MILLISECONDS)
        : reader.isAvailable();
  }

  @Override
  public void addSplits(List<ClockedSplit> splits) {
    for (ClockedSplit split : splits) {
      KafkaPartitionSplit partition = split.partition();
      clock
          .get()
          .assigned(
              partition.getPartition(),
              partition.getStartingOffset(),
              partition.getStoppingOffset().orElse(KafkaPartitionSplit.NO_STOPPING_OFFSET),
              split.clock(),
              split.gaps());
      leaders.add(partition.getTopicPartition());
    }
    reader.addSplits(splits.stream().map(ClockedSplit::partition).toList());
  }

  @Override
  public List<ClockedSplit> snapshotState(long checkpointId) {
    return reader.snapshotState(checkpointId).stream().map(this::clocked).toList();
  }

  private ClockedSplit clocked(KafkaPartitionSplit split) {
    int partition = split.getPartition();
    KafkaPartitionSplit resumed =
        new KafkaPartitionSplit(
            split.getTopicPartition(),
            clock.get().resumeAt(partition, split.getStartingOffset()),
            split.getStoppingOffset().orElse(KafkaPartitionSplit.NO_STOPPING_OFFSET));
    return new ClockedSplit(resumed, clock.get().snapshot(partition), clock.get().gaps(partition));
  }

  @Override
  public void notifyNoMoreSplits() {
    reader.notifyNoMoreSplits();
  }

  @Override
  public void handleSourceEvents(SourceEvent event) {
    if (event instanceof ClockReport report) {
      clock.get().front(report.time());
    } else {
      reader.handleSourceEvents(event);
    }
  }

  @Override
  public void pauseOrResumeSplits(Collection<String> pause, Collection<String> resume) {
    reader.pauseOrResumeSplits(pause, resume);
  }

  @Override
  public void notifyCheckpointComplete(long checkpointId) throws Exception {
    reader.notifyCheckpointComplete(checkpointId);
  }

  @Override
  public void notifyCheckpointAborted(long checkpointId) throws Exception {
    reader.notifyCheckpointAborted(checkpointId);
  }

  @Override
  public void close() throws Exception {
    IOUtils.closeAll(reader, leaders, adoption, clock, gate);
  }
}

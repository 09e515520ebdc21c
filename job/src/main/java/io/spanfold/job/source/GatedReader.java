package io.spanfold.job.source;

import io.spanfold.job.adopt.AdoptionStatus;
import io.spanfold.job.memory.RedisMemoryMonitor;
import io.spanfold.job.resource.SharedResource.Share;
import io.spanfold.job.time.ReadingStatus;
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
 * <p>The end of a bounded input waits until the records read so far are probably in Redis. After
 * the end no barrier passes a refused write, so nothing would be committed and no memory would be
 * freed.
 */
final class GatedReader<T> implements SourceReader<T, KafkaPartitionSplit> {

  /** How long the last records may take to Redis. */
  private static final long SETTLED_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final long END_CHECK_MILLIS = 500;

  private final SourceReader<T, KafkaPartitionSplit> reader;
  private final Share<RedisMemoryMonitor> gate;
  private final Share<ReadingStatus> status;
  private final EndOffsets ends;
  private final Share<AdoptionStatus> adoption;

  private boolean ended;
  private long endedNanos;

  GatedReader(
      SourceReader<T, KafkaPartitionSplit> reader,
      Share<RedisMemoryMonitor> gate,
      Share<ReadingStatus> status,
      EndOffsets ends,
      Share<AdoptionStatus> adoption) {
    this.reader = reader;
    this.gate = gate;
    this.status = status;
    this.ends = ends;
    this.adoption = adoption;
  }

  @Override
  public void start() {
    status.get().gate(this::gate);
    reader.start();
  }

  @Override
  public InputStatus pollNext(ReaderOutput<T> output) throws Exception {
    if (!isOpen()) {
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
    return !gate.get().underPressure()
        && (gate.get().hasHeadroom() || System.nanoTime() - endedNanos > SETTLED_NANOS);
  }

  /** Completes if there may be a record; the gate is checked again before one is read. */
  @Override
  public CompletableFuture<Void> isAvailable() {
    if (!isOpen()) {
      return gate.get().whenOpen();
    }
    return ended
        ? new CompletableFuture<Void>()
            .completeOnTimeout(null, END_CHECK_MILLIS, TimeUnit.MILLISECONDS)
        : reader.isAvailable();
  }

  private ReadingStatus.Gate gate() {
    return switch (gate.get().state()) {
      case OPEN -> ReadingStatus.Gate.OPEN;
      case FULL -> ReadingStatus.Gate.CLOSED_UNDER_PRESSURE;
      case UNREACHABLE -> ReadingStatus.Gate.CLOSED;
    };
  }

  private boolean isOpen() {
    return gate.get().state() == RedisMemoryMonitor.State.OPEN;
  }

  @Override
  public void addSplits(List<KafkaPartitionSplit> splits) {
    for (KafkaPartitionSplit split : splits) {
      status.get().assigned(split.getPartition(), split.getStartingOffset());
      ends.add(split.getTopicPartition());
    }
    reader.addSplits(splits);
  }

  @Override
  public List<KafkaPartitionSplit> snapshotState(long checkpointId) {
    return reader.snapshotState(checkpointId);
  }

  @Override
  public void notifyNoMoreSplits() {
    reader.notifyNoMoreSplits();
  }

  @Override
  public void handleSourceEvents(SourceEvent event) {
    reader.handleSourceEvents(event);
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
    IOUtils.closeAll(reader, ends, adoption, status, gate);
  }
}

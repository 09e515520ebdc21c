package io.spanfold.source;

import io.spanfold.clock.ReadingStatus;
import io.spanfold.pressure.MemoryGuard;
import io.spanfold.shared.Shared.Share;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.util.IOUtils;

/**
 * A reader with a gate before it: while it is closed nothing is available. All else goes on:
 * barriers, watermarks, splits, commits of offsets.
 */
final class GatedReader<T> implements SourceReader<T, KafkaPartitionSplit> {

  private final SourceReader<T, KafkaPartitionSplit> reader;
  private final Share<MemoryGuard> gate;
  private final Share<ReadingStatus> status;
  private final EndOffsets ends;

  GatedReader(
      SourceReader<T, KafkaPartitionSplit> reader,
      Share<MemoryGuard> gate,
      Share<ReadingStatus> status,
      EndOffsets ends) {
    this.reader = reader;
    this.gate = gate;
    this.status = status;
    this.ends = ends;
  }

  @Override
  public void start() {
    status.get().gate(this::gate);
    ends.start();
    reader.start();
  }

  @Override
  public InputStatus pollNext(ReaderOutput<T> output) throws Exception {
    return isOpen() ? reader.pollNext(output) : InputStatus.NOTHING_AVAILABLE;
  }

  /** Completed where a record may be there; the gate is asked again before one is read. */
  @Override
  public CompletableFuture<Void> isAvailable() {
    return isOpen() ? reader.isAvailable() : gate.get().whenOpen();
  }

  private ReadingStatus.Gate gate() {
    return switch (gate.get().state()) {
      case OPEN -> ReadingStatus.Gate.OPEN;
      case FULL -> ReadingStatus.Gate.CLOSED_UNDER_PRESSURE;
      case UNREACHABLE -> ReadingStatus.Gate.CLOSED;
    };
  }

  private boolean isOpen() {
    return gate.get().state() == MemoryGuard.State.OPEN;
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
    IOUtils.closeAll(reader, ends, status, gate);
  }
}

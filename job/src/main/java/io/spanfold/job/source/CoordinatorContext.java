package io.spanfold.job.source;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.apache.flink.api.connector.source.ReaderInfo;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.connector.source.SplitsAssignment;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.flink.metrics.groups.SplitEnumeratorMetricGroup;

/**
 * What the enumerator of Kafka's source sees of the coordinator. It observes whether all partitions
 * that exist are assigned. Confined to the coordinator's thread.
 */
final class CoordinatorContext implements SplitEnumeratorContext<KafkaPartitionSplit> {

  private final SplitEnumeratorContext<ClockedSplit> context;
  private final Set<Integer> ended = new HashSet<>();
  private int pendingCalls;
  private boolean discovered;
  private Runnable onDiscovery = () -> {};

  CoordinatorContext(SplitEnumeratorContext<ClockedSplit> context) {
    this.context = context;
  }

  /** Calls {@code action} whenever a discovery of partitions is complete. */
  void onDiscovery(Runnable action) {
    onDiscovery = action;
  }

  boolean isDiscovered() {
    return discovered;
  }

  /** Makes a call that is not part of a discovery. */
  <T> void observe(Callable<T> call, BiConsumer<T, Throwable> handler) {
    context.callAsync(call, handler);
  }

  /** A discovery consists of one or more calls, the later ones made by the handlers of others. */
  @Override
  public <T> void callAsync(Callable<T> call, BiConsumer<T, Throwable> handler) {
    pendingCalls++;
    context.callAsync(
        call,
        (answer, failure) -> {
          pendingCalls--;
          handle(handler, answer, failure);
        });
  }

  @Override
  public <T> void callAsync(
      Callable<T> call,
      BiConsumer<T, Throwable> handler,
      long initialDelayMillis,
      long periodMillis) {
    context.callAsync(
        call,
        (answer, failure) -> handle(handler, answer, failure),
        initialDelayMillis,
        periodMillis);
  }

  private <T> void handle(BiConsumer<T, Throwable> handler, T answer, Throwable failure) {
    handler.accept(answer, failure);
    if (failure == null && pendingCalls == 0) {
      discovered = true;
      onDiscovery.run();
    }
  }

  @Override
  public void signalNoMoreSplits(int subtask) {
    if (ended.add(subtask)) {
      context.signalNoMoreSplits(subtask);
    }
  }

  /** Forgets that a reader knows of the end, because it may be another one now. */
  void readerChanged(int subtask) {
    ended.remove(subtask);
  }

  @Override
  public void assignSplits(SplitsAssignment<KafkaPartitionSplit> assignment) {
    context.assignSplits(
        new SplitsAssignment<>(
            assignment.assignment().entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, of -> unread(of.getValue())))));
  }

  private static List<ClockedSplit> unread(List<KafkaPartitionSplit> splits) {
    return splits.stream().map(ClockedSplit::unread).toList();
  }

  @Override
  public SplitEnumeratorMetricGroup metricGroup() {
    return context.metricGroup();
  }

  @Override
  public void sendEventToSourceReader(int subtask, SourceEvent event) {
    context.sendEventToSourceReader(subtask, event);
  }

  @Override
  public int currentParallelism() {
    return context.currentParallelism();
  }

  @Override
  public Map<Integer, ReaderInfo> registeredReaders() {
    return context.registeredReaders();
  }

  @Override
  public void runInCoordinatorThread(Runnable action) {
    context.runInCoordinatorThread(action);
  }

  @Override
  public void setIsProcessingBacklog(boolean backlog) {
    context.setIsProcessingBacklog(backlog);
  }
}

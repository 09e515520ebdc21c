package io.spanfold.job.source;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.BiConsumer;
import org.apache.flink.api.connector.source.ReaderInfo;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.connector.source.SplitsAssignment;
import org.apache.flink.metrics.groups.SplitEnumeratorMetricGroup;

/**
 * The context of an enumerator of a bounded source: it knows when the enumerator has found all that
 * it will ever find, and says so to readers whom the enumerator leaves without that word.
 *
 * <p>Used by the coordinator's thread only.
 */
final class EndingContext<S extends SourceSplit> implements SplitEnumeratorContext<S> {

  private final SplitEnumeratorContext<S> context;
  private final Set<Integer> told = new HashSet<>();
  private int questions;
  private boolean discovered;

  EndingContext(SplitEnumeratorContext<S> context) {
    this.context = context;
  }

  /** Notes that a reader is there, perhaps another one than before, which knows nothing yet. */
  void readerCame(int subtask) {
    told.remove(subtask);
  }

  /** Tells all readers that there will be no more splits, if that is so. */
  void tellEnd() {
    if (discovered) {
      Set.copyOf(registeredReaders().keySet()).forEach(this::signalNoMoreSplits);
    }
  }

  @Override
  public void signalNoMoreSplits(int subtask) {
    if (told.add(subtask)) {
      context.signalNoMoreSplits(subtask);
    }
  }

  /** A question that the enumerator asks once; all are answered when nothing is left to find. */
  @Override
  public <T> void callAsync(Callable<T> question, BiConsumer<T, Throwable> handler) {
    questions++;
    context.callAsync(
        question,
        (answer, failure) -> {
          handler.accept(answer, failure);
          questions--;
          if (failure == null && questions == 0) {
            discovered = true;
            tellEnd();
          }
        });
  }

  @Override
  public <T> void callAsync(
      Callable<T> question,
      BiConsumer<T, Throwable> handler,
      long initialDelayMillis,
      long periodMillis) {
    context.callAsync(question, handler, initialDelayMillis, periodMillis);
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
  public void sendEventToSourceReader(int subtask, int attempt, SourceEvent event) {
    context.sendEventToSourceReader(subtask, attempt, event);
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
  public Map<Integer, Map<Integer, ReaderInfo>> registeredReadersOfAttempts() {
    return context.registeredReadersOfAttempts();
  }

  @Override
  public void assignSplits(SplitsAssignment<S> assignment) {
    context.assignSplits(assignment);
  }

  @Override
  public void assignSplit(S split, int subtask) {
    context.assignSplit(split, subtask);
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

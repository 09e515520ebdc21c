package io.spanfold.job.source;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.BiConsumer;
import org.apache.flink.api.connector.source.ReaderInfo;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.connector.source.SplitsAssignment;
import org.apache.flink.metrics.groups.SplitEnumeratorMetricGroup;

/**
 * The enumerator of a bounded source that was restored. It signals to all readers that no more
 * splits come once the wrapped enumerator has completed its discovery, because that one leaves the
 * signal out. Confined to the coordinator's thread.
 */
final class BoundedRestoreEnumerator<S extends SourceSplit, C> extends ForwardingEnumerator<S, C> {

  private final Context<S> context;

  /** Wraps an enumerator that was made with {@code context}. */
  BoundedRestoreEnumerator(SplitEnumerator<S, C> enumerator, Context<S> context) {
    super(enumerator);
    this.context = context;
  }

  @Override
  public void addReader(int subtask) {
    // The reader may have changed.
    context.signaled.remove(subtask);
    super.addReader(subtask);
    context.signalEnd();
  }

  /** Observes the discovery of the wrapped enumerator. */
  static final class Context<S extends SourceSplit> implements SplitEnumeratorContext<S> {

    private final SplitEnumeratorContext<S> context;
    private final Set<Integer> signaled = new HashSet<>();
    private int pendingCalls;
    private boolean discovered;

    Context(SplitEnumeratorContext<S> context) {
      this.context = context;
    }

    private void signalEnd() {
      if (discovered) {
        Set.copyOf(registeredReaders().keySet()).forEach(this::signalNoMoreSplits);
      }
    }

    @Override
    public void signalNoMoreSplits(int subtask) {
      if (signaled.add(subtask)) {
        context.signalNoMoreSplits(subtask);
      }
    }

    /** Discovery consists of calls that are made once; it is complete when all are answered. */
    @Override
    public <T> void callAsync(Callable<T> call, BiConsumer<T, Throwable> handler) {
      pendingCalls++;
      context.callAsync(
          call,
          (answer, failure) -> {
            handler.accept(answer, failure);
            pendingCalls--;
            if (failure == null && pendingCalls == 0) {
              discovered = true;
              signalEnd();
            }
          });
    }

    @Override
    public <T> void callAsync(
        Callable<T> call,
        BiConsumer<T, Throwable> handler,
        long initialDelayMillis,
        long periodMillis) {
      context.callAsync(call, handler, initialDelayMillis, periodMillis);
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
}

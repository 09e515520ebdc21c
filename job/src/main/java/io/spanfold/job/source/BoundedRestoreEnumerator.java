package io.spanfold.job.source;

import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;

/** An enumerator whose readers are told the end of a bounded source after a restore too. */
final class BoundedRestoreEnumerator<S extends SourceSplit, C> extends ForwardingEnumerator<S, C> {

  private final EndingContext<S> context;

  BoundedRestoreEnumerator(SplitEnumerator<S, C> enumerator, EndingContext<S> context) {
    super(enumerator);
    this.context = context;
  }

  @Override
  public void addReader(int subtask) {
    context.readerCame(subtask);
    super.addReader(subtask);
    context.tellEnd();
  }
}

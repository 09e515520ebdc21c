package io.spanfold.source;

import io.spanfold.adopt.AdoptionOver;
import java.io.IOException;
import java.util.List;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An enumerator that begins, so hands out splits, when adoption is over. Until then its state is
 * that of one which has not found anything yet.
 */
final class HoldingEnumerator<S extends SourceSplit, C> implements SplitEnumerator<S, C> {

  private static final Logger LOG = LoggerFactory.getLogger(HoldingEnumerator.class);

  private final SplitEnumerator<S, C> enumerator;
  private boolean begun;

  HoldingEnumerator(SplitEnumerator<S, C> enumerator) {
    this.enumerator = enumerator;
  }

  @Override
  public void start() {
    LOG.info("Nothing is read before what Redis holds is adopted.");
  }

  /** Tasks that were restarted adopt, and say so, again. */
  @Override
  public void handleSourceEvent(int subtask, SourceEvent event) {
    if (!(event instanceof AdoptionOver)) {
      enumerator.handleSourceEvent(subtask, event);
    } else if (!begun) {
      begun = true;
      LOG.info("Adoption is over, reading begins.");
      enumerator.start();
    }
  }

  @Override
  public void addReader(int subtask) {
    enumerator.addReader(subtask);
  }

  @Override
  public void addSplitsBack(List<S> splits, int subtask) {
    enumerator.addSplitsBack(splits, subtask);
  }

  @Override
  public void handleSplitRequest(int subtask, String host) {
    enumerator.handleSplitRequest(subtask, host);
  }

  @Override
  public C snapshotState(long checkpointId) throws Exception {
    return enumerator.snapshotState(checkpointId);
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

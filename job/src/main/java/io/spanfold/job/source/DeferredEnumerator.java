package io.spanfold.job.source;

import io.spanfold.job.adopt.AdoptionOver;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An enumerator that begins, so hands out splits, when adoption is over. Until then its state is
 * that of one which has not found anything yet.
 */
final class DeferredEnumerator<S extends SourceSplit, C> extends ForwardingEnumerator<S, C> {

  private static final Logger LOG = LoggerFactory.getLogger(DeferredEnumerator.class);

  private boolean begun;

  DeferredEnumerator(SplitEnumerator<S, C> enumerator) {
    super(enumerator);
  }

  @Override
  public void start() {
    LOG.info("Nothing is read before what Redis holds is adopted.");
  }

  /** Tasks that were restarted adopt, and say so, again. */
  @Override
  public void handleSourceEvent(int subtask, SourceEvent event) {
    if (!(event instanceof AdoptionOver)) {
      super.handleSourceEvent(subtask, event);
    } else if (!begun) {
      begun = true;
      LOG.info("Adoption is over, reading begins.");
      super.start();
    }
  }
}

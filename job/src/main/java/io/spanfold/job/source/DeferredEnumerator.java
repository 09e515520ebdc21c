package io.spanfold.job.source;

import io.spanfold.job.adopt.AdoptionOver;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An enumerator that starts, and so assigns splits, once the adoption is complete. Until then its
 * state is that of an enumerator that has not discovered anything.
 */
final class DeferredEnumerator<S extends SourceSplit, C> extends ForwardingEnumerator<S, C> {

  private static final Logger LOG = LoggerFactory.getLogger(DeferredEnumerator.class);

  private boolean started;

  DeferredEnumerator(SplitEnumerator<S, C> enumerator) {
    super(enumerator);
  }

  @Override
  public void start() {
    LOG.info("The source starts after the adoption of the spans in Redis.");
  }

  /** The event comes again from tasks that were restarted. */
  @Override
  public void handleSourceEvent(int subtask, SourceEvent event) {
    if (!(event instanceof AdoptionOver)) {
      super.handleSourceEvent(subtask, event);
    } else if (!started) {
      started = true;
      LOG.info("The adoption is complete; the source starts.");
      super.start();
    }
  }
}

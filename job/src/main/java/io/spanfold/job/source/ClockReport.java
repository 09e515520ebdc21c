package io.spanfold.job.source;

import org.apache.flink.api.connector.source.SourceEvent;

/**
 * Tells a clock: a reader its own highest one to the coordinator, which answers with that of all
 * readers.
 *
 * @param time record time in milliseconds; {@link Long#MIN_VALUE} for none
 */
record ClockReport(long time) implements SourceEvent {
  private static final long serialVersionUID = 1L;
}

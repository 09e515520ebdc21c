package io.spanfold.job.source;

import org.apache.flink.api.connector.source.SourceEvent;

/**
 * A reader reports its highest clock to the coordinator, which answers with the highest of all
 * readers.
 *
 * @param time record time in milliseconds; {@link Long#MIN_VALUE} for none
 */
record ClockReport(long time) implements SourceEvent {
  private static final long serialVersionUID = 1L;
}

package io.spanfold.job.adopt;

import org.apache.flink.api.connector.source.SourceEvent;

/** Notifies the source's coordinator that the adoption is over, so that reading may start. */
public record AdoptionOver() implements SourceEvent {

  private static final long serialVersionUID = 1L;
}

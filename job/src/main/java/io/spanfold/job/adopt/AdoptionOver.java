package io.spanfold.job.adopt;

import org.apache.flink.api.connector.source.SourceEvent;

/** Tells the source's coordinator that adoption is over, so that reading may begin. */
public record AdoptionOver() implements SourceEvent {

  private static final long serialVersionUID = 1L;
}

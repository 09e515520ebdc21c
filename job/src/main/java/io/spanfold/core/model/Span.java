package io.spanfold.core.model;

/**
 * A valid span of the source topic.
 *
 * @param trace the trace and project it belongs to
 * @param spanId its id
 * @param parentId the id it hangs under for folding: its own for a segment root; else the segment
 *     id that the record gives; else its parent's
 * @param root whether it is a segment root: it has no parent, or is marked {@code is_segment}
 * @param timestamp record time: the Kafka timestamp in milliseconds, clamped to at most a minute
 *     ahead of the wall clock
 * @param organizationId the organisation, for outcomes
 * @param partition the source partition it was read from
 * @param offset its record's offset there
 * @param index which span of the record it is, from 0
 * @param stampPoints where the sink's two fields go
 * @param record the record: one JSON object, without surrounding white space; never changed
 */
public record Span(
    TraceKey trace,
    long spanId,
    long parentId,
    boolean root,
    long timestamp,
    long organizationId,
    int partition,
    long offset,
    int index,
    StampPoints stampPoints,
    byte[] record) {

  /** Returns its position in the source topic, as a new object. */
  public SourcePosition position() {
    return new SourcePosition(partition, offset, index);
  }
}

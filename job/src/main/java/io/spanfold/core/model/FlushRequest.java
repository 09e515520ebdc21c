package io.spanfold.core.model;

import java.util.List;

/**
 * A request of the fold to the flush: to emit a part, or only to delete subsegments that are never
 * emitted. Requests of one trace keep their order through the flush, because a later one may delete
 * a payload that an earlier one still has to load.
 */
public sealed interface FlushRequest permits DuePart, Discard {

  TraceKey trace();

  /** Returns the id by which the index in Redis finds the segment. */
  long segmentId();

  /** Returns since when the request is due, in milliseconds of record time. */
  long dueAt();

  /** Returns the length of the records that the flush has to load, in bytes. */
  long recordBytes();

  /**
   * Returns the subsegments that no later request needs. They are deleted once the commit of the
   * transaction that this request is part of is known.
   */
  List<Subsegment> obsolete();
}

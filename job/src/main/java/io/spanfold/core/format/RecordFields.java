package io.spanfold.core.format;

import io.spanfold.core.model.StampPoints;
import io.spanfold.core.model.StampPoints.SegmentIdEdit;
import io.spanfold.core.model.TraceKey;

/** The used fields of one record, filled while it is read; see {@link SpanParser}. */
final class RecordFields {

  static final int SAW_PROJECT_ID = 1;
  static final int SAW_ORGANIZATION_ID = 1 << 1;
  static final int SAW_TRACE_ID = 1 << 2;
  static final int SAW_SPAN_ID = 1 << 3;
  static final int SAW_PARENT_SPAN_ID = 1 << 4;
  static final int SAW_IS_SEGMENT = 1 << 5;
  static final int SAW_END_TIMESTAMP = 1 << 6;
  static final int SAW_ATTRIBUTES = 1 << 7;
  static final int SAW_SEGMENT_ID = 1 << 8;
  static final int SAW_SEGMENT_ID_VALUE = 1 << 9;

  /** The length of {@code null} in bytes. */
  static final int NULL_LENGTH = 4;

  private static final int REQUIRED =
      SAW_PROJECT_ID | SAW_ORGANIZATION_ID | SAW_TRACE_ID | SAW_SPAN_ID | SAW_END_TIMESTAMP;

  /** Where new fields are inserted: after the brace, which is the first byte. */
  private static final int AFTER_BRACE = 1;

  long projectId;
  long organizationId;
  long traceHigh;
  long traceLow;
  long spanId;
  boolean hasParent;
  long parentSpanId;
  boolean isSegment;
  boolean hasSegmentId;
  long segmentId;

  private int seen;
  private int isSegmentStart = AFTER_BRACE;
  private int isSegmentEnd = AFTER_BRACE;
  private SegmentIdEdit segmentIdEdit = SegmentIdEdit.ADD_ATTRIBUTES;
  private int segmentIdStart = AFTER_BRACE;
  private int segmentIdEnd = AFTER_BRACE;

  /** Marks a field as seen; returns whether it was not seen before. */
  boolean see(int field) {
    if ((seen & field) != 0) {
      return false;
    }
    seen |= field;
    return true;
  }

  boolean saw(int field) {
    return (seen & field) != 0;
  }

  /** Returns whether all required fields were seen. */
  boolean complete() {
    return (seen & REQUIRED) == REQUIRED;
  }

  /** Sets the place of the value of {@code is_segment}, in bytes from the record's brace. */
  void isSegmentAt(int start, int end) {
    isSegmentStart = start;
    isSegmentEnd = end;
  }

  /** Sets the edit that adds the segment id, and its range in bytes from the record's brace. */
  void edit(SegmentIdEdit edit, int start, int end) {
    segmentIdEdit = edit;
    segmentIdStart = start;
    segmentIdEnd = end;
  }

  /** Notes that {@code attributes} has a member other than the segment id. */
  void otherAttribute() {
    if (segmentIdEdit == SegmentIdEdit.ADD_ONLY_MEMBER) {
      segmentIdEdit = SegmentIdEdit.ADD_FIRST_MEMBER;
    }
  }

  TraceKey trace() {
    return new TraceKey(projectId, traceHigh, traceLow);
  }

  boolean root() {
    return !hasParent || isSegment;
  }

  long parentId() {
    if (root()) {
      return spanId;
    }
    return hasSegmentId ? segmentId : parentSpanId;
  }

  StampPoints stampPoints() {
    return new StampPoints(
        isSegmentStart, isSegmentEnd, segmentIdStart, segmentIdEnd, segmentIdEdit);
  }
}

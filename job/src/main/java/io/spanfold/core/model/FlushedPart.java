package io.spanfold.core.model;

import io.spanfold.core.model.DuePart.Slice;
import java.util.List;

/**
 * A part as it goes to the sink: the last of the three forms in which it goes through the flush.
 * Its records and what may be deleted once they are committed travel together, so that the one
 * cannot happen without the other.
 *
 * @param messages the records for the segments topic
 * @param outcomes the records for the outcomes topic: spans of this part that will never be emitted
 * @param receipt what it was made from
 */
public record FlushedPart(List<SegmentMessage> messages, List<Outcome> outcomes, Receipt receipt) {

  /**
   * One record of the segments topic.
   *
   * @param flushId 32 hexadecimal digits; the same content again has the same id
   * @param value the JSON value
   * @param chunkNumber which chunk of its part it is, from 0
   * @param chunkCount how many chunks the part has
   */
  public record SegmentMessage(String flushId, byte[] value, int chunkNumber, int chunkCount) {}

  /**
   * What a part was made from: enough to clean up after it, to look for it in the topics, and to
   * make it again with the same messages.
   *
   * @param candidate the part as it was due
   * @param chunkBytes the largest length of a value that its messages were cut to
   * @param flushIds the ids of its messages
   * @param spanIds the ids of its spans, whose redirects may be dropped
   */
  public record Receipt(DuePart candidate, int chunkBytes, List<String> flushIds, long[] spanIds) {

    /** Returns the trace. */
    public TraceKey trace() {
      return candidate.trace();
    }

    /** Returns the segment's id when the part was flushed. */
    public long segmentId() {
      return candidate.segmentId();
    }

    /** Returns which part of the segment it is. */
    public int partNumber() {
      return candidate.partNumber();
    }

    /** Returns why it was flushed. */
    public FlushReason reason() {
      return candidate.reason();
    }

    /** Returns what may be deleted: the subsegments of which nothing else will be emitted. */
    public List<Subsegment> subsegments() {
      return candidate.slices().stream().filter(Slice::last).map(Slice::subsegment).toList();
    }
  }
}

package io.spanfold.core.model;

import java.util.List;

/**
 * A part as it goes to the sink: the last of the three forms in which it goes through the flush. It
 * has both its records and the receipt for the deletion after their commit, so neither happens
 * without the other.
 *
 * @param messages the records for the segments topic
 * @param outcomes the records for the outcomes topic: spans of this part that will never be emitted
 * @param receipt for the clean-up after the commit
 */
public record FlushedPart(List<SegmentMessage> messages, List<Outcome> outcomes, Receipt receipt) {

  /** Returns what the sink gets of a discard: no records, only the receipt to clean up by. */
  public static FlushedPart discarded(Discard discard) {
    return new FlushedPart(List.of(), List.of(), new Receipt(discard, 0, List.of(), new long[] {}));
  }

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
   * @param request the part as it was due, or the discard
   * @param chunkBytes the largest length of a value that its messages were cut to
   * @param flushIds the ids of its messages
   * @param spanIds the ids of its spans, whose redirects may be dropped
   */
  public record Receipt(
      FlushRequest request, int chunkBytes, List<String> flushIds, long[] spanIds) {

    public TraceKey trace() {
      return request.trace();
    }

    public long segmentId() {
      return request.segmentId();
    }

    /**
     * Returns the part that the records were made from.
     *
     * @throws ClassCastException for a discard, which has no records
     */
    public DuePart part() {
      return (DuePart) request;
    }

    public int partNumber() {
      return part().partNumber();
    }

    public FlushReason reason() {
      return part().reason();
    }

    /** Returns the subsegments that may be deleted: no later part takes spans of them. */
    public List<Subsegment> subsegments() {
      return request.obsolete();
    }
  }
}

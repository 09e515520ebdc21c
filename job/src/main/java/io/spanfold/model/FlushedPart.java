package io.spanfold.model;

import java.util.List;

/**
 * A part as it goes to the sink: the last of the three forms in which it goes through the flush.
 * Its records and what may be deleted once they are committed travel together, so that the one
 * cannot happen without the other.
 *
 * @param messages the records for the segments topic
 * @param outcomes the records for the outcomes topic: spans of this part that will never be emitted
 * @param receipt what is to be cleaned up after the commit
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
   * What a part was made from.
   *
   * @param trace the trace
   * @param segmentId the segment's id when the part was flushed
   * @param partNumber which part of the segment it is
   * @param reason why it was flushed
   * @param flushIds the ids of the part's messages
   * @param subsegments what may be deleted
   * @param spanIds the ids of the part's spans, whose redirects may be dropped
   */
  public record Receipt(
      TraceKey trace,
      long segmentId,
      int partNumber,
      FlushReason reason,
      List<String> flushIds,
      List<Subsegment> subsegments,
      long[] spanIds) {}
}

package io.spanfold.buffer.index;

import io.spanfold.core.payload.SpanFrames;
import java.nio.ByteBuffer;

/**
 * What the index knows of a subsegment.
 *
 * @param id its id
 * @param payload the id of the small payload that holds it, among others; 0 for none
 * @param offset where its frames begin in that payload, before compression
 * @param spans how many spans it has
 * @param recordBytes the length of their records
 */
public record SubsegmentRecord(long id, long payload, int offset, int spans, long recordBytes) {

  /** Returns whether its payload is small. */
  public boolean isSmall() {
    return payload != 0;
  }

  /** Returns the length of its frames, before compression. */
  public long frameBytes() {
    return SpanFrames.length(spans, recordBytes);
  }

  /** Reads what follows the id, in both forms of a record. */
  static SubsegmentRecord read(long id, ByteBuffer in) {
    return new SubsegmentRecord(
        id, in.getLong(), in.getInt(), in.getInt(), Integer.toUnsignedLong(in.getInt()));
  }
}

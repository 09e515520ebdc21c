package io.spanfold.buffer.index;

import io.spanfold.core.model.Generation;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.Subsegment;
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
 * @param generation in which it was written last
 */
public record SubsegmentRecord(
    long id, long payload, int offset, int spans, long recordBytes, Generation generation) {

  /** 6 bytes for the epoch, which is about milliseconds since 1970; 4 for the checkpoint. */
  private static final int GENERATION_BYTES = 10;

  /** The length of a subsegment in a packed record. The scripts have the same number. */
  static final int BYTES = 2 * Long.BYTES + 3 * Integer.BYTES + GENERATION_BYTES;

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
        id,
        in.getLong(),
        in.getInt(),
        in.getInt(),
        Integer.toUnsignedLong(in.getInt()),
        new Generation(
            Short.toUnsignedLong(in.getShort()) << Integer.SIZE
                | Integer.toUnsignedLong(in.getInt()),
            Integer.toUnsignedLong(in.getInt())));
  }

  /** Writes a subsegment as packed records have it. */
  static void write(Subsegment subsegment, Generation generation, ByteBuffer out) {
    SmallPayload small = subsegment.small();
    out.putLong(subsegment.id());
    out.putLong(small == null ? 0 : small.id());
    out.putInt(small == null ? 0 : small.offset());
    out.putInt(subsegment.spanCount());
    // A batch has fewer bytes than that.
    out.putInt((int) subsegment.recordBytes());
    out.putShort((short) (generation.epoch() >>> Integer.SIZE));
    out.putInt((int) generation.epoch());
    out.putInt((int) generation.checkpoint());
  }
}

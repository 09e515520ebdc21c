package io.spanfold.buffer.index;

import io.spanfold.core.model.Subsegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/** Writes shares of batches in the form of packed records, one segment for each subsegment. */
final class ShareEncoder {

  /** The length of the largest packed record. The scripts have the same number. */
  static final int MAX_RECORD_BYTES = 8 << 10;

  private static final int HEADER_BYTES = 1 + Integer.BYTES;

  /** Three counts and whether the root is known. */
  private static final int SEGMENT_HEADER_BYTES = 3 * Short.BYTES + 1;

  /** The bytes of a share are the record of its trace, if the trace is new. */
  private static final byte DISTINCT = 1;

  /** The share names an id twice, so its subsegments must be added one by one. */
  private static final byte REPEATING = 2;

  private ShareEncoder() {}

  /** Returns the length of a share with {@code subsegments} and {@code spans}, at most. */
  static long bytes(int subsegments, int spans) {
    long each = SEGMENT_HEADER_BYTES + Long.BYTES + SubsegmentRecord.BYTES;
    return HEADER_BYTES + each * subsegments + (long) Long.BYTES * spans;
  }

  /**
   * Returns the bytes of a share that is not longer than {@link #MAX_RECORD_BYTES}.
   *
   * @param seconds the time of the write, in seconds since 1970
   */
  static byte[] encode(TraceShare share, long seconds) {
    List<Subsegment> subsegments = share.subsegments();
    int length = (int) bytes(subsegments.size(), share.spanCount());
    ByteBuffer out = ByteBuffer.allocate(length);
    out.put(distinct(share) ? DISTINCT : REPEATING).putInt((int) seconds);
    for (int i = 0; i < subsegments.size(); i++) {
      Subsegment subsegment = subsegments.get(i);
      int header = out.position();
      out.putShort((short) 0).putShort((short) 0).putShort((short) 1);
      out.put((byte) (subsegment.root() ? 1 : 0));
      out.putLong(subsegment.parentId());
      // The parent is the name of the segment, so it is not repeated among the spans.
      out.putShort(header + Short.BYTES, (short) putSpans(share.spanIds().get(i), subsegment, out));
      SubsegmentRecord.write(subsegment, share.generation(), out);
    }
    return out.position() == length ? out.array() : Arrays.copyOf(out.array(), out.position());
  }

  private static int putSpans(long[] ids, Subsegment subsegment, ByteBuffer out) {
    int count = 0;
    for (long id : ids) {
      if (id != subsegment.parentId()) {
        out.putLong(id);
        count++;
      }
    }
    return count;
  }

  /** Returns whether no id is there twice, except a parent among the spans of its subsegment. */
  private static boolean distinct(TraceShare share) {
    int subsegments = share.subsegments().size();
    long[] all = new long[subsegments + share.spanCount()];
    int count = 0;
    for (int i = 0; i < subsegments; i++) {
      long parent = share.subsegments().get(i).parentId();
      all[count++] = parent;
      boolean met = false;
      for (long id : share.spanIds().get(i)) {
        if (id != parent || met) {
          all[count++] = id;
        }
        met |= id == parent;
      }
    }
    return distinct(all, count)
        && (subsegments == 1
            || distinct(
                share.subsegments().stream().mapToLong(Subsegment::id).toArray(), subsegments));
  }

  private static boolean distinct(long[] ids, int count) {
    Arrays.sort(ids, 0, count);
    for (int i = 1; i < count; i++) {
      if (ids[i] == ids[i - 1]) {
        return false;
      }
    }
    return true;
  }
}

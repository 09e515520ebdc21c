package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.fold.SegmentState;
import io.spanfold.core.fold.SegmentState.PartState;
import io.spanfold.core.fold.SegmentState.SliceList;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Flags and the time of the timer are in front, where {@link PackedTrace} reads them without
 * decoding the rest. Other times are distances from it.
 */
final class SegmentStateCodec implements Codec<SegmentState> {

  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  private static final int ROOT_KNOWN = 1;
  private static final int OVERFLOWED = 2;
  private static final int OPEN = 4;
  private static final int CLOSED = 8;
  private static final int REMEMBERED = 16;

  /** How many slices a part's list has, as far as it shows at its ends. */
  private static final int NO_SLICE = 0;

  private static final int ONE_SLICE = 1;
  private static final int MORE_SLICES = 2;

  @Override
  public void write(SegmentState segment, DataOutput out) throws IOException {
    long timerAt = segment.timerAt();
    boolean remembered = segment.rememberUntil() != Long.MIN_VALUE;
    out.writeByte(
        (segment.rootKnown() ? ROOT_KNOWN : 0)
            | (segment.overflowed() ? OVERFLOWED : 0)
            | (segment.open() != null ? OPEN : 0)
            | (segment.closed().isEmpty() ? 0 : CLOSED)
            | (remembered ? REMEMBERED : 0));
    out.writeLong(timerAt);
    out.writeLong(segment.name());
    VarInts.write(segment.size(), out);
    out.writeLong(segment.lastMember());
    VarInts.write(segment.nextPart(), out);
    if (remembered) {
      VarInts.writeSigned(segment.rememberUntil() - timerAt, out);
    }
    if (segment.open() != null) {
      writePart(segment.open(), timerAt, out);
    }
    if (!segment.closed().isEmpty()) {
      VarInts.write(segment.closed().size(), out);
      for (PartState part : segment.closed()) {
        writePart(part, timerAt, out);
      }
    }
  }

  @Override
  public SegmentState read(int version, DataInput in) throws IOException {
    int flags = in.readByte();
    long timerAt = in.readLong();
    long name = in.readLong();
    int size = VarInts.readInt(in);
    long lastMember = in.readLong();
    int nextPart = VarInts.readInt(in);
    boolean remembered = (flags & REMEMBERED) != 0;
    long rememberUntil = remembered ? timerAt + VarInts.readSigned(in) : Long.MIN_VALUE;
    PartState open = (flags & OPEN) != 0 ? readPart(timerAt, in) : null;
    return new SegmentState(
        name,
        (flags & ROOT_KNOWN) != 0,
        size,
        lastMember,
        nextPart,
        (flags & OVERFLOWED) != 0,
        rememberUntil,
        timerAt,
        (flags & CLOSED) != 0 ? readParts(timerAt, in) : List.of(),
        open);
  }

  /** Returns the time of the timer of the segment whose form begins at {@code offset}. */
  static long timerAt(byte[] bytes, int offset) {
    return readLong(bytes, offset + 1);
  }

  /** Returns whether the segment whose form begins at {@code offset} has parts. */
  static boolean hasParts(byte[] bytes, int offset) {
    return (bytes[offset] & (OPEN | CLOSED)) != 0;
  }

  /** Reads a number as {@link DataOutput#writeLong} wrote it. */
  static long readLong(byte[] bytes, int offset) {
    return (long) LONG.get(bytes, offset);
  }

  private static List<PartState> readParts(long timerAt, DataInput in) throws IOException {
    int count = VarInts.readInt(in);
    List<PartState> parts = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      parts.add(readPart(timerAt, in));
    }
    return parts;
  }

  private static void writePart(PartState part, long timerAt, DataOutput out) throws IOException {
    VarInts.writeSigned(part.first() - timerAt, out);
    VarInts.writeSigned(part.last() - part.first(), out);
    VarInts.write(part.bytes(), out);
    SliceList slices = part.slices();
    if (slices == null) {
      out.writeByte(NO_SLICE);
      return;
    }
    boolean one = slices.head() == slices.tail();
    out.writeByte(one ? ONE_SLICE : MORE_SLICES);
    out.writeLong(slices.head());
    if (!one) {
      out.writeLong(slices.tail());
    }
  }

  private static PartState readPart(long timerAt, DataInput in) throws IOException {
    long first = timerAt + VarInts.readSigned(in);
    long last = first + VarInts.readSigned(in);
    return new PartState(first, last, VarInts.read(in), readSlices(in));
  }

  private static SliceList readSlices(DataInput in) throws IOException {
    int slices = in.readByte();
    if (slices == NO_SLICE) {
      return null;
    }
    long head = in.readLong();
    return new SliceList(head, slices == ONE_SLICE ? head : in.readLong());
  }
}

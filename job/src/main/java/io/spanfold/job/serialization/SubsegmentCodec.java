package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.SourcePositions;
import io.spanfold.core.model.Subsegment;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * In a list, subsegments that follow one another are often in one small payload, or in payloads of
 * one generation. What a small payload has in common with the one before is not written again.
 */
final class SubsegmentCodec implements Codec<Subsegment> {

  private static final int ROOT = 1;
  private static final int SMALL = 2;
  private static final int SAME_PAYLOAD = 4;
  private static final int SAME_GENERATION = 8;

  @Override
  public void write(Subsegment subsegment, DataOutput out) throws IOException {
    write(subsegment, null, out);
  }

  /** Writes a subsegment of a list; {@code before} is the one before it, or null. */
  void write(Subsegment subsegment, Subsegment before, DataOutput out) throws IOException {
    SmallPayload small = subsegment.small();
    SmallPayload last = before == null ? null : before.small();
    int flags = subsegment.root() ? ROOT : 0;
    if (small != null) {
      flags |= SMALL;
      if (last != null && small.sharesPayload(last)) {
        flags |= SAME_PAYLOAD;
      } else if (last != null && small.sharesGeneration(last)) {
        flags |= SAME_GENERATION;
      }
    }
    out.writeByte(flags);
    out.writeLong(subsegment.id());
    out.writeLong(subsegment.parentId());
    VarInts.write(subsegment.spanCount(), out);
    VarInts.write(subsegment.recordBytes(), out);
    VarInts.write(subsegment.storedBytes(), out);
    VarInts.write(subsegment.layouts(), out);
    VarInts.write(subsegment.organizationId(), out);
    VarInts.writeBytes(subsegment.positions().encoded(), out);
    if (small != null) {
      writeSmall(small, flags, out);
    }
  }

  private static void writeSmall(SmallPayload small, int flags, DataOutput out) throws IOException {
    if ((flags & SAME_PAYLOAD) == 0) {
      out.writeLong(small.id());
      if ((flags & SAME_GENERATION) == 0) {
        VarInts.write(small.epoch(), out);
        VarInts.write(small.checkpoint(), out);
      }
    }
    VarInts.write(small.offset(), out);
  }

  @Override
  public Subsegment read(int version, DataInput in) throws IOException {
    return read(version, null, in);
  }

  /** Reads a subsegment of a list; {@code before} is the one before it, or null. */
  Subsegment read(int version, Subsegment before, DataInput in) throws IOException {
    int flags = in.readByte();
    return new Subsegment(
        in.readLong(),
        in.readLong(),
        (flags & ROOT) != 0,
        VarInts.readInt(in),
        VarInts.read(in),
        VarInts.readInt(in),
        VarInts.readInt(in),
        VarInts.read(in),
        SourcePositions.ofEncoded(VarInts.readBytes(in)),
        (flags & SMALL) == 0 ? null : readSmall(flags, before, in));
  }

  private static SmallPayload readSmall(int flags, Subsegment before, DataInput in)
      throws IOException {
    boolean samePayload = (flags & SAME_PAYLOAD) != 0;
    boolean sameGeneration = samePayload || (flags & SAME_GENERATION) != 0;
    if (sameGeneration && (before == null || before.small() == null)) {
      throw new IOException("a small payload continues one that is missing: the data is damaged");
    }
    return new SmallPayload(
        samePayload ? before.small().id() : in.readLong(),
        sameGeneration ? before.small().epoch() : VarInts.read(in),
        sameGeneration ? before.small().checkpoint() : VarInts.read(in),
        VarInts.readInt(in));
  }

  void writeList(List<Subsegment> list, DataOutput out) throws IOException {
    VarInts.write(list.size(), out);
    Subsegment before = null;
    for (Subsegment subsegment : list) {
      write(subsegment, before, out);
      before = subsegment;
    }
  }

  List<Subsegment> readList(int version, DataInput in) throws IOException {
    int size = VarInts.readInt(in);
    List<Subsegment> list = new ArrayList<>(size);
    Subsegment before = null;
    for (int i = 0; i < size; i++) {
      before = read(version, before, in);
      list.add(before);
    }
    return list;
  }
}

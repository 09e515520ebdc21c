package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.fold.EarlySpans;
import io.spanfold.core.fold.FoldState;
import io.spanfold.core.fold.Node;
import io.spanfold.core.fold.ReorderState;
import io.spanfold.core.fold.SegmentState;
import io.spanfold.core.fold.SliceState;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * The fold's state of one small trace, read from an array of bytes and written to another. Reading
 * costs little more than the ids: what the fold does not ask for is neither decoded nor encoded.
 *
 * <p>The form is the version of {@link StateType#WHOLE_TRACE}, then a head that tells when the
 * trace is due without decoding it, then nodes, segments, slices, reference counts, early spans and
 * their summary.
 *
 * <p>Meant to be used for one trace after another. Not safe for concurrent use.
 */
public final class PackedTrace implements FoldState {

  private static final int REMEMBERED = 1;
  private static final int HAS_EARLY_SPANS = 2;

  private static final int FLAGS_AT = 1;
  private static final int DUE_AT = 2;

  private static final int USUAL_BYTES = 2 << 10;

  private final PackedNodes nodes = new PackedNodes();
  private final PackedEntries<SegmentState> segments = new PackedEntries<>(new SegmentStateCodec());
  private final PackedEntries<SliceState> slices = new PackedEntries<>(new SliceStateCodec());
  private final PackedEntries<Integer> referenceCounts = new PackedEntries<>(new CountCodec());
  private final PackedEntries<EarlySpans> earlySpans = new PackedEntries<>(new EarlySpansCodec());
  private final ReorderStateCodec reorder = new ReorderStateCodec();

  private final DataInputDeserializer in = new DataInputDeserializer();
  private final DataOutputSerializer out = new DataOutputSerializer(USUAL_BYTES);
  private final DataOutputSerializer scratch = new DataOutputSerializer(USUAL_BYTES);

  private byte[] bytes;
  private ReorderState reorderState;
  private boolean changed;

  /** Begins with a trace of which nothing is known. */
  public void clear() {
    nodes.clear();
    segments.clear();
    slices.clear();
    referenceCounts.clear();
    earlySpans.clear();
    reorderState = null;
    changed = false;
  }

  /**
   * Begins with a trace as {@link #write} returned it.
   *
   * @param packed not to be changed while the trace is used
   * @throws IOException if a newer release wrote it
   */
  public void read(byte[] packed) throws IOException {
    bytes = packed;
    in.setBuffer(packed);
    int version = in.readByte();
    if (version > StateType.WHOLE_TRACE.version()) {
      throw StateType.newer(StateType.WHOLE_TRACE.id(), version);
    }
    int flags = in.readByte();
    in.readLong();
    nodes.read(in);
    segments.read(version, packed, in);
    slices.read(version, packed, in);
    referenceCounts.read(version, packed, in);
    earlySpans.read(version, packed, in);
    reorderState = (flags & HAS_EARLY_SPANS) == 0 ? null : reorder.read(version, in);
    changed = false;
  }

  /** Returns the trace as bytes. */
  public byte[] write() throws IOException {
    out.clear();
    out.writeByte(StateType.WHOLE_TRACE.version());
    out.writeByte((isRemembered() ? REMEMBERED : 0) | (reorderState == null ? 0 : HAS_EARLY_SPANS));
    out.writeLong(dueAt());
    nodes.write(out);
    segments.write(out, scratch);
    slices.write(out, scratch);
    referenceCounts.write(out, scratch);
    earlySpans.write(out, scratch);
    if (reorderState != null) {
      reorder.write(reorderState, out);
    }
    return out.getCopyOfBuffer();
  }

  /** Returns whether anything was put or removed since the trace was read. */
  public boolean isChanged() {
    return changed;
  }

  public boolean isEmpty() {
    return nodes.isEmpty()
        && segments.size() == 0
        && slices.size() == 0
        && referenceCounts.size() == 0
        && earlySpans.size() == 0
        && reorderState == null;
  }

  /** Returns whether all parts have left, so that segments are only remembered for late spans. */
  public boolean isRemembered() {
    if (reorderState != null) {
      return false;
    }
    for (int i = 0; i < segments.size(); i++) {
      if (hasParts(i)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Returns the record time at which something is to be done: at which a part or early spans are
   * due, or at which a trace that is only remembered can be forgotten as a whole.
   */
  public long dueAt() {
    boolean remembered = isRemembered();
    long due = remembered ? Long.MIN_VALUE : Long.MAX_VALUE;
    for (int i = 0; i < segments.size(); i++) {
      if (remembered) {
        due = Math.max(due, timerAt(i));
      } else if (hasParts(i)) {
        due = Math.min(due, timerAt(i));
      }
    }
    return reorderState == null ? due : Math.min(due, reorderState.until());
  }

  /** Returns {@link #dueAt()} of a trace as bytes. */
  public static long dueAt(byte[] packed) {
    return SegmentStateCodec.readLong(packed, DUE_AT);
  }

  /** Returns {@link #isRemembered()} of a trace as bytes. */
  public static boolean isRemembered(byte[] packed) {
    return (packed[FLAGS_AT] & REMEMBERED) != 0;
  }

  /** Returns the segments whose timers are set for {@code time} or earlier. */
  public List<Long> dueSegments(long time) {
    List<Long> due = new ArrayList<>();
    for (int i = 0; i < segments.size(); i++) {
      if (timerAt(i) <= time) {
        due.add(segments.key(i));
      }
    }
    return due;
  }

  private long timerAt(int index) {
    SegmentState segment = segments.decoded(index);
    return segment != null
        ? segment.timerAt()
        : SegmentStateCodec.timerAt(bytes, segments.offset(index));
  }

  private boolean hasParts(int index) {
    SegmentState segment = segments.decoded(index);
    return segment != null
        ? segment.hasParts()
        : SegmentStateCodec.hasParts(bytes, segments.offset(index));
  }

  /** Puts everything into {@code other}. */
  public void copyTo(FoldState other) {
    nodes.forEach(other::putNode);
    for (int i = 0; i < segments.size(); i++) {
      other.putSegment(segments.key(i), segments.at(i));
    }
    for (int i = 0; i < slices.size(); i++) {
      other.putSlice(slices.key(i), slices.at(i));
    }
    for (int i = 0; i < referenceCounts.size(); i++) {
      other.putReferenceCount(referenceCounts.key(i), referenceCounts.at(i));
    }
    for (int i = 0; i < earlySpans.size(); i++) {
      other.putEarlySpans(earlySpans.at(i));
    }
    if (reorderState != null) {
      other.putReorderState(reorderState);
    }
  }

  @Override
  public Node node(long spanId) {
    return nodes.get(spanId);
  }

  @Override
  public void putNode(long spanId, Node node) {
    changed = true;
    nodes.put(spanId, node);
  }

  @Override
  public void removeNode(long spanId) {
    changed = true;
    nodes.remove(spanId);
  }

  @Override
  public SegmentState segment(long representative) {
    return segments.get(representative);
  }

  @Override
  public void putSegment(long representative, SegmentState segment) {
    changed = true;
    segments.put(representative, segment);
  }

  @Override
  public void removeSegment(long representative) {
    changed = true;
    segments.remove(representative);
  }

  @Override
  public SliceState slice(long key) {
    return slices.get(key);
  }

  @Override
  public void putSlice(long key, SliceState slice) {
    changed = true;
    slices.put(key, slice);
  }

  @Override
  public void removeSlice(long key) {
    changed = true;
    slices.remove(key);
  }

  @Override
  public Integer referenceCount(long subsegmentId) {
    return referenceCounts.get(subsegmentId);
  }

  @Override
  public void putReferenceCount(long subsegmentId, int count) {
    changed = true;
    referenceCounts.put(subsegmentId, count);
  }

  @Override
  public void removeReferenceCount(long subsegmentId) {
    changed = true;
    referenceCounts.remove(subsegmentId);
  }

  @Override
  public ReorderState reorderState() {
    return reorderState;
  }

  @Override
  public void putReorderState(ReorderState state) {
    changed = true;
    reorderState = state;
  }

  @Override
  public List<EarlySpans> takeEarlySpans() {
    changed = true;
    reorderState = null;
    List<EarlySpans> all = new ArrayList<>(earlySpans.size());
    for (int i = 0; i < earlySpans.size(); i++) {
      all.add(earlySpans.at(i));
    }
    earlySpans.clear();
    return all;
  }

  @Override
  public void putEarlySpans(EarlySpans spans) {
    changed = true;
    earlySpans.put(spans.subsegment().id(), spans);
  }

  private static final class CountCodec implements Codec<Integer> {

    @Override
    public void write(Integer count, DataOutput out) throws IOException {
      VarInts.write(count, out);
    }

    @Override
    public Integer read(int version, DataInput in) throws IOException {
      return VarInts.readInt(in);
    }
  }
}

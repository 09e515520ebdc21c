package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.fold.Node;
import io.spanfold.core.fold.WholeTrace;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/** Nodes refer to one another by their place, in a byte or two, not by their ids of eight. */
final class WholeTraceCodec implements Codec<WholeTrace> {

  private static final int LAST = 1;
  private static final int SEEN = 2;

  private final SegmentStateCodec segments = new SegmentStateCodec();
  private final SliceStateCodec slices = new SliceStateCodec();
  private final EarlySpansCodec ahead = new EarlySpansCodec();
  private final ReorderStateCodec aheadState = new ReorderStateCodec();

  @Override
  public void write(WholeTrace trace, DataOutput out) throws IOException {
    writeNodes(trace.nodes(), out);
    writeEntries(trace.segments(), segments, out);
    writeEntries(trace.slices(), slices, out);
    VarInts.write(trace.referenceCounts().size(), out);
    for (Map.Entry<Long, Integer> each : trace.referenceCounts().entrySet()) {
      out.writeLong(each.getKey());
      VarInts.write(each.getValue(), out);
    }
    writeEntries(trace.earlySpans(), ahead, out);
    out.writeBoolean(trace.reorderState() != null);
    if (trace.reorderState() != null) {
      aheadState.write(trace.reorderState(), out);
    }
  }

  @Override
  public WholeTrace read(int version, DataInput in) throws IOException {
    Map<Long, Node> nodes = readNodes(in);
    var segmentsRead = readEntries(segments, version, in);
    var slicesRead = readEntries(slices, version, in);
    int count = VarInts.readInt(in);
    Map<Long, Integer> referenceCounts = new HashMap<>();
    for (int i = 0; i < count; i++) {
      referenceCounts.put(in.readLong(), VarInts.readInt(in));
    }
    return new WholeTrace(
        nodes,
        segmentsRead,
        slicesRead,
        referenceCounts,
        readEntries(ahead, version, in),
        in.readBoolean() ? aheadState.read(version, in) : null);
  }

  private static void writeNodes(Map<Long, Node> nodes, DataOutput out) throws IOException {
    VarInts.write(nodes.size(), out);
    Map<Long, Integer> places = new HashMap<>(nodes.size() * 2);
    for (Long id : nodes.keySet()) {
      out.writeLong(id);
      places.put(id, places.size());
    }
    for (Node node : nodes.values()) {
      out.writeByte((node.last() ? LAST : 0) | (node.seen() ? SEEN : 0));
      VarInts.write(places.get(node.redirect()), out);
      if (!node.last()) {
        VarInts.write(places.get(node.next()), out);
      }
    }
  }

  private static Map<Long, Node> readNodes(DataInput in) throws IOException {
    long[] ids = new long[VarInts.readInt(in)];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = in.readLong();
    }
    Map<Long, Node> nodes = new HashMap<>(ids.length * 2);
    for (long id : ids) {
      int flags = in.readByte();
      boolean last = (flags & LAST) != 0;
      long redirect = ids[VarInts.readInt(in)];
      long next = last ? 0 : ids[VarInts.readInt(in)];
      nodes.put(id, new Node(redirect, next, last, (flags & SEEN) != 0));
    }
    return nodes;
  }

  private static <V> void writeEntries(Map<Long, V> entries, Codec<V> codec, DataOutput out)
      throws IOException {
    VarInts.write(entries.size(), out);
    for (Map.Entry<Long, V> each : entries.entrySet()) {
      out.writeLong(each.getKey());
      codec.write(each.getValue(), out);
    }
  }

  private static <V> Map<Long, V> readEntries(Codec<V> codec, int version, DataInput in)
      throws IOException {
    int count = VarInts.readInt(in);
    Map<Long, V> entries = new HashMap<>();
    for (int i = 0; i < count; i++) {
      entries.put(in.readLong(), codec.read(version, in));
    }
    return entries;
  }
}

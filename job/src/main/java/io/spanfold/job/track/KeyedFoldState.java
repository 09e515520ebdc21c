package io.spanfold.job.track;

import io.spanfold.core.fold.EarlySpans;
import io.spanfold.core.fold.FoldState;
import io.spanfold.core.fold.Node;
import io.spanfold.core.fold.ReorderState;
import io.spanfold.core.fold.SegmentState;
import io.spanfold.core.fold.SliceState;
import io.spanfold.core.fold.WholeTrace;
import io.spanfold.job.serialization.StateType;
import java.io.IOException;
import java.util.List;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.base.IntSerializer;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * The fold's state of the trace that is the current key. A small trace is one value, read and
 * written once a batch. A larger one has an entry for each thing, so that the cost of a span does
 * not grow with its trace.
 *
 * <p>The one value is the version of its form ({@link StateType#WHOLE_TRACE}), then the trace;
 * empty for a trace in entries. Flink sees bytes, so it never migrates them: a value is written in
 * the current form when its trace changes. The names of the states are part of every savepoint.
 *
 * <p>Not thread-safe. The fold uses it between {@link #begin} and {@link #save}.
 */
final class KeyedFoldState implements FoldState {

  /** The size of a trace of some three hundred spans. */
  static final int MAX_WHOLE_BYTES = 8 << 10;

  /** The value of a trace that is kept in entries. */
  private static final byte[] IN_ENTRIES = {};

  private final DataOutputSerializer out = new DataOutputSerializer(MAX_WHOLE_BYTES);
  private final DataInputDeserializer in = new DataInputDeserializer();

  private final int maxWholeBytes;
  private final ValueState<byte[]> whole;
  private final TraceEntries<Node> nodes;
  private final TraceEntries<SegmentState> segments;
  private final TraceEntries<SliceState> slices;
  private final TraceEntries<Integer> referenceCounts;
  private final TraceEntries<EarlySpans> earlySpans;
  private final ValueState<ReorderState> savedReorderState;

  private boolean saved;
  private boolean inEntries;
  private boolean changed;
  private boolean forgot;
  private ReorderState reorderState;

  /**
   * @param maxWholeBytes a larger trace is kept in entries from then on
   */
  KeyedFoldState(KeyedStateStore store, int maxWholeBytes) {
    this.maxWholeBytes = maxWholeBytes;
    whole =
        store.getState(new ValueStateDescriptor<>("trace", BytePrimitiveArraySerializer.INSTANCE));
    nodes = entries(store, "nodes", StateType.NODE.serializer());
    segments = entries(store, "segments", StateType.SEGMENT.serializer());
    slices = entries(store, "slices", StateType.SLICE.serializer());
    referenceCounts = entries(store, "reference-counts", IntSerializer.INSTANCE);
    earlySpans = entries(store, "early-spans", StateType.EARLY_SPANS.serializer());
    savedReorderState =
        store.getState(new ValueStateDescriptor<>("reorder", StateType.REORDER.serializer()));
  }

  private static <T> TraceEntries<T> entries(
      KeyedStateStore store, String name, TypeSerializer<T> values) {
    return new TraceEntries<>(
        store.getMapState(new MapStateDescriptor<>(name, LongSerializer.INSTANCE, values)));
  }

  /** Begins with the current key. */
  void begin() throws IOException {
    byte[] bytes = whole.value();
    saved = bytes != null;
    inEntries = saved && bytes.length == 0;
    changed = false;
    forgot = false;
    if (inEntries) {
      nodes.begin();
      segments.begin();
      slices.begin();
      referenceCounts.begin();
      earlySpans.begin();
      reorderState = savedReorderState.value();
      return;
    }
    WholeTrace trace = saved ? decode(bytes) : WholeTrace.EMPTY;
    nodes.beginWhole(trace.nodes());
    segments.beginWhole(trace.segments());
    slices.beginWhole(trace.slices());
    referenceCounts.beginWhole(trace.referenceCounts());
    earlySpans.beginWhole(trace.earlySpans());
    reorderState = trace.reorderState();
  }

  /** Writes the changes of the current key into state. */
  void save() throws IOException {
    if (!changed) {
      return;
    }
    if (inEntries) {
      saveEntries();
      if (forgot && areAllEntriesGone()) {
        whole.clear();
      }
      return;
    }
    WholeTrace trace =
        new WholeTrace(
            nodes.all(),
            segments.all(),
            slices.all(),
            referenceCounts.all(),
            earlySpans.all(),
            reorderState);
    if (trace.isEmpty()) {
      if (saved) {
        whole.clear();
      }
      return;
    }
    byte[] bytes = encode(trace);
    if (bytes.length > maxWholeBytes) {
      saveEntries();
      bytes = IN_ENTRIES;
    }
    whole.update(bytes);
  }

  private void saveEntries() throws IOException {
    nodes.writeBack();
    segments.writeBack();
    slices.writeBack();
    referenceCounts.writeBack();
    earlySpans.writeBack();
    savedReorderState.update(reorderState);
  }

  private boolean areAllEntriesGone() {
    return reorderState == null
        && segments.isEmptyInState()
        && nodes.isEmptyInState()
        && slices.isEmptyInState()
        && referenceCounts.isEmptyInState()
        && earlySpans.isEmptyInState();
  }

  private byte[] encode(WholeTrace trace) throws IOException {
    out.clear();
    out.writeByte(StateType.WHOLE_TRACE.version());
    StateType.WHOLE_TRACE.write(trace, out);
    return out.getCopyOfBuffer();
  }

  private WholeTrace decode(byte[] bytes) throws IOException {
    in.setBuffer(bytes);
    return StateType.WHOLE_TRACE.read(in.readByte(), in);
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
    forgot = true;
    nodes.put(spanId, null);
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
    segments.put(representative, null);
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
    slices.put(key, null);
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
    referenceCounts.put(subsegmentId, null);
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
    return List.copyOf(earlySpans.takeAll().values());
  }

  @Override
  public void putEarlySpans(EarlySpans spans) {
    changed = true;
    earlySpans.put(spans.subsegment().id(), spans);
  }
}

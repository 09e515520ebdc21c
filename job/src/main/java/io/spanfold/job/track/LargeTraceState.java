package io.spanfold.job.track;

import io.spanfold.core.fold.EarlySpans;
import io.spanfold.core.fold.FoldState;
import io.spanfold.core.fold.Node;
import io.spanfold.core.fold.ReorderState;
import io.spanfold.core.fold.SegmentState;
import io.spanfold.core.fold.SliceState;
import io.spanfold.job.serialization.StateType;
import java.io.IOException;
import java.util.List;
import java.util.function.BiConsumer;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.base.IntSerializer;
import org.apache.flink.api.common.typeutils.base.LongSerializer;

/**
 * The fold's state of the trace that is the current key, if it is a large one: an entry for each
 * thing, so that the cost of a span does not grow with its trace. The names of the states are part
 * of every savepoint.
 *
 * <p>Not thread-safe. The fold uses it between {@link #begin} and {@link #save}.
 */
final class LargeTraceState implements FoldState {

  private final TraceEntries<Node> nodes;
  private final TraceEntries<SegmentState> segments;
  private final TraceEntries<SliceState> slices;
  private final TraceEntries<Integer> referenceCounts;
  private final TraceEntries<EarlySpans> earlySpans;
  private final ValueState<ReorderState> savedReorderState;

  private boolean forgot;
  private ReorderState reorderState;

  LargeTraceState(KeyedStateStore store) {
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
    nodes.begin();
    segments.begin();
    slices.begin();
    referenceCounts.begin();
    earlySpans.begin();
    reorderState = savedReorderState.value();
    forgot = false;
  }

  /** Writes the changes of the current key into state. Returns whether nothing is left of it. */
  boolean save() throws IOException {
    nodes.writeBack();
    segments.writeBack();
    slices.writeBack();
    referenceCounts.writeBack();
    earlySpans.writeBack();
    savedReorderState.update(reorderState);
    return forgot && isEmpty();
  }

  /** Calls {@code action} for each segment. Only after {@link #begin} or {@link #save}. */
  void forEachSegment(BiConsumer<Long, SegmentState> action) {
    segments.forEachInState(action);
  }

  private boolean isEmpty() {
    return reorderState == null
        && segments.isEmptyInState()
        && nodes.isEmptyInState()
        && slices.isEmptyInState()
        && referenceCounts.isEmptyInState()
        && earlySpans.isEmptyInState();
  }

  @Override
  public Node node(long spanId) {
    return nodes.get(spanId);
  }

  @Override
  public void putNode(long spanId, Node node) {
    nodes.put(spanId, node);
  }

  @Override
  public void removeNode(long spanId) {
    forgot = true;
    nodes.put(spanId, null);
  }

  @Override
  public SegmentState segment(long representative) {
    return segments.get(representative);
  }

  @Override
  public void putSegment(long representative, SegmentState segment) {
    segments.put(representative, segment);
  }

  @Override
  public void removeSegment(long representative) {
    segments.put(representative, null);
  }

  @Override
  public SliceState slice(long key) {
    return slices.get(key);
  }

  @Override
  public void putSlice(long key, SliceState slice) {
    slices.put(key, slice);
  }

  @Override
  public void removeSlice(long key) {
    slices.put(key, null);
  }

  @Override
  public Integer referenceCount(long subsegmentId) {
    return referenceCounts.get(subsegmentId);
  }

  @Override
  public void putReferenceCount(long subsegmentId, int count) {
    referenceCounts.put(subsegmentId, count);
  }

  @Override
  public void removeReferenceCount(long subsegmentId) {
    referenceCounts.put(subsegmentId, null);
  }

  @Override
  public ReorderState reorderState() {
    return reorderState;
  }

  @Override
  public void putReorderState(ReorderState state) {
    reorderState = state;
  }

  @Override
  public List<EarlySpans> takeEarlySpans() {
    reorderState = null;
    return List.copyOf(earlySpans.takeAll().values());
  }

  @Override
  public void putEarlySpans(EarlySpans spans) {
    earlySpans.put(spans.subsegment().id(), spans);
  }
}

package io.spanfold.benchmarks;

import io.spanfold.core.fold.EarlySpans;
import io.spanfold.core.fold.FoldState;
import io.spanfold.core.fold.Node;
import io.spanfold.core.fold.ReorderState;
import io.spanfold.core.fold.SegmentState;
import io.spanfold.core.fold.SliceState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A trace's state in maps. */
final class MapFoldState implements FoldState {

  private final Map<Long, Node> nodes = new HashMap<>();
  private final Map<Long, SegmentState> segments = new HashMap<>();
  private final Map<Long, SliceState> slices = new HashMap<>();
  private final Map<Long, Integer> referenceCounts = new HashMap<>();
  private final List<EarlySpans> waiting = new ArrayList<>();
  private ReorderState ahead;

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
    nodes.remove(spanId);
  }

  @Override
  public SegmentState segment(long id) {
    return segments.get(id);
  }

  @Override
  public void putSegment(long id, SegmentState segment) {
    segments.put(id, segment);
  }

  @Override
  public void removeSegment(long id) {
    segments.remove(id);
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
    slices.remove(key);
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
    referenceCounts.remove(subsegmentId);
  }

  @Override
  public ReorderState reorderState() {
    return ahead;
  }

  @Override
  public void putReorderState(ReorderState state) {
    ahead = state;
  }

  @Override
  public List<EarlySpans> takeEarlySpans() {
    List<EarlySpans> taken = List.copyOf(waiting);
    waiting.clear();
    return taken;
  }

  @Override
  public void putEarlySpans(EarlySpans spans) {
    waiting.add(spans);
  }
}

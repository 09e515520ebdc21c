package io.spanfold.core.fold;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The state of one trace in maps, which also counts how often it is asked. */
final class InMemoryFoldState implements FoldState {

  private final Map<Long, Node> nodes = new HashMap<>();
  private final Map<Long, SegmentState> segments = new HashMap<>();
  private final Map<Long, SliceState> slices = new HashMap<>();
  private final Map<Long, Integer> referenceCounts = new HashMap<>();
  private final Map<Long, EarlySpans> earlySpans = new HashMap<>();
  private ReorderState reorderState;
  private long accesses;

  @Override
  public Node node(long spanId) {
    accesses++;
    return nodes.get(spanId);
  }

  @Override
  public void putNode(long spanId, Node node) {
    accesses++;
    nodes.put(spanId, node);
  }

  @Override
  public void removeNode(long spanId) {
    accesses++;
    nodes.remove(spanId);
  }

  @Override
  public SegmentState segment(long id) {
    accesses++;
    return segments.get(id);
  }

  @Override
  public void putSegment(long id, SegmentState segment) {
    accesses++;
    segments.put(id, segment);
  }

  @Override
  public void removeSegment(long id) {
    accesses++;
    segments.remove(id);
  }

  @Override
  public SliceState slice(long key) {
    accesses++;
    return slices.get(key);
  }

  @Override
  public void putSlice(long key, SliceState slice) {
    accesses++;
    slices.put(key, slice);
  }

  @Override
  public void removeSlice(long key) {
    accesses++;
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
    accesses++;
    return reorderState;
  }

  @Override
  public void putReorderState(ReorderState state) {
    reorderState = state;
  }

  @Override
  public List<EarlySpans> takeEarlySpans() {
    List<EarlySpans> all = new ArrayList<>(earlySpans.values());
    earlySpans.clear();
    reorderState = null;
    return all;
  }

  @Override
  public void putEarlySpans(EarlySpans spans) {
    if (earlySpans.put(spans.subsegment().id(), spans) != null) {
      throw new AssertionError("a subsegment waits twice");
    }
  }

  /** Returns the number of ids of the segment with the most ids. */
  int largestSegment() {
    return segments.values().stream().mapToInt(SegmentState::size).max().orElse(0);
  }

  boolean isEmpty() {
    return nodes.isEmpty()
        && segments.isEmpty()
        && slices.isEmpty()
        && referenceCounts.isEmpty()
        && earlySpans.isEmpty()
        && reorderState == null;
  }

  long accesses() {
    return accesses;
  }
}

package io.spanfold.fold;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The state of one trace in maps, which also counts how often it is asked. */
final class InMemoryFoldState implements FoldState {

  private final Map<Long, Node> nodes = new HashMap<>();
  private final Map<Long, SegmentState> segments = new HashMap<>();
  private final Map<Long, SliceState> slices = new HashMap<>();
  private final Map<Long, Integer> sharers = new HashMap<>();
  private final Map<Long, SpansAhead> ahead = new HashMap<>();
  private AheadState aheadState;
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
  public Integer sharers(long subsegmentId) {
    return sharers.get(subsegmentId);
  }

  @Override
  public void putSharers(long subsegmentId, int count) {
    sharers.put(subsegmentId, count);
  }

  @Override
  public void removeSharers(long subsegmentId) {
    sharers.remove(subsegmentId);
  }

  @Override
  public AheadState ahead() {
    accesses++;
    return aheadState;
  }

  @Override
  public void putAhead(AheadState waiting) {
    aheadState = waiting;
  }

  @Override
  public List<SpansAhead> takeAhead() {
    List<SpansAhead> all = new ArrayList<>(ahead.values());
    ahead.clear();
    aheadState = null;
    return all;
  }

  @Override
  public void putAhead(SpansAhead spans) {
    if (ahead.put(spans.subsegment().id(), spans) != null) {
      throw new AssertionError("a subsegment waits twice");
    }
  }

  /** Returns how many ids the segment has that has the most. */
  int largestSegment() {
    return segments.values().stream().mapToInt(SegmentState::size).max().orElse(0);
  }

  boolean isEmpty() {
    return nodes.isEmpty()
        && segments.isEmpty()
        && slices.isEmpty()
        && sharers.isEmpty()
        && ahead.isEmpty()
        && aheadState == null;
  }

  long accesses() {
    return accesses;
  }
}

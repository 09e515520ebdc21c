package io.spanfold.benchmarks;

import io.spanfold.fold.AheadState;
import io.spanfold.fold.FoldState;
import io.spanfold.fold.Node;
import io.spanfold.fold.SegmentState;
import io.spanfold.fold.SliceState;
import io.spanfold.fold.SpansAhead;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A trace's state in maps. */
final class MapFoldState implements FoldState {

  private final Map<Long, Node> nodes = new HashMap<>();
  private final Map<Long, SegmentState> segments = new HashMap<>();
  private final Map<Long, SliceState> slices = new HashMap<>();
  private final Map<Long, Integer> sharers = new HashMap<>();
  private final List<SpansAhead> waiting = new ArrayList<>();
  private AheadState ahead;

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
    return ahead;
  }

  @Override
  public void putAhead(AheadState state) {
    ahead = state;
  }

  @Override
  public List<SpansAhead> takeAhead() {
    List<SpansAhead> taken = List.copyOf(waiting);
    waiting.clear();
    return taken;
  }

  @Override
  public void putAhead(SpansAhead spans) {
    waiting.add(spans);
  }
}

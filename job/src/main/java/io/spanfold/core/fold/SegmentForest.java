package io.spanfold.core.fold;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Which ids belong to one segment: disjoint sets over the nodes in state, joined by size with path
 * compression, so that the amortized cost of finding and joining does not depend on a trace's size,
 * depth or order. Segments that were touched are kept open until {@link #save}.
 */
final class SegmentForest {

  private final FoldState state;
  private final Map<Long, OpenSegment> touched = new LinkedHashMap<>();

  SegmentForest(FoldState state) {
    this.state = state;
  }

  /** Returns the segment that an id belongs to; null if the id is unknown. */
  OpenSegment find(long spanId) {
    Node node = state.node(spanId);
    if (node == null) {
      return null;
    }
    long representative = spanId;
    long up = node.redirect();
    int hops = 0;
    while (up != representative) {
      representative = up;
      up = state.node(up).redirect();
      hops++;
    }
    if (hops > 1) {
      compress(spanId, representative);
    }
    return open(representative);
  }

  private void compress(long from, long representative) {
    long id = from;
    Node node = state.node(id);
    while (node.redirect() != representative) {
      state.putNode(id, node.redirectedTo(representative));
      id = node.redirect();
      node = state.node(id);
    }
  }

  /** Returns the segment kept under a representative; null if there is none. */
  OpenSegment open(long representative) {
    OpenSegment segment = touched.get(representative);
    if (segment == null) {
      SegmentState saved = state.segment(representative);
      if (saved == null) {
        return null;
      }
      segment = new OpenSegment(representative, saved);
      touched.put(representative, segment);
    }
    return segment;
  }

  /** Creates a segment of an id that is unknown so far. */
  OpenSegment create(long spanId) {
    OpenSegment segment = new OpenSegment(spanId);
    touched.put(spanId, segment);
    state.putNode(spanId, new Node(spanId, spanId, true, false));
    return segment;
  }

  /** Returns whether a span with this id has arrived. */
  boolean seen(long spanId) {
    Node node = state.node(spanId);
    return node != null && node.seen();
  }

  /** Marks the span with this id, which a segment has already, as arrived. */
  void markSeen(long spanId) {
    state.putNode(spanId, state.node(spanId).asSeen());
  }

  /** Adds an id that is unknown so far to a segment, as a span that has arrived. */
  void add(OpenSegment segment, long spanId) {
    state.putNode(spanId, new Node(segment.id, spanId, true, true));
    append(segment, spanId);
    segment.lastMember = spanId;
    segment.size++;
  }

  /**
   * Joins the ids of two segments. The one of fewer ids redirects to the other, whichever is above
   * in the trace.
   *
   * @return the segment that now has the ids of both; all its other fields are unchanged, and are
   *     the caller's to merge. The other segment is removed.
   */
  OpenSegment join(OpenSegment one, OpenSegment other) {
    OpenSegment larger = one.size >= other.size ? one : other;
    OpenSegment smaller = larger == one ? other : one;
    state.putNode(smaller.id, state.node(smaller.id).redirectedTo(larger.id));
    append(larger, smaller.id);
    larger.lastMember = smaller.lastMember;
    larger.size += smaller.size;
    touched.remove(smaller.id);
    state.removeSegment(smaller.id);
    return larger;
  }

  private void append(OpenSegment segment, long head) {
    state.putNode(segment.lastMember, state.node(segment.lastMember).followedBy(head));
  }

  /** Forgets a segment and all its ids. */
  void forget(OpenSegment segment) {
    long id = segment.id;
    Node node = state.node(id);
    while (true) {
      state.removeNode(id);
      if (node.last()) {
        break;
      }
      id = node.next();
      node = state.node(id);
    }
    touched.remove(segment.id);
    state.removeSegment(segment.id);
  }

  Iterable<OpenSegment> touched() {
    return touched.values();
  }

  /** Writes the touched segments into state. */
  void save() {
    touched.forEach((id, segment) -> state.putSegment(id, segment.toState()));
    touched.clear();
  }
}

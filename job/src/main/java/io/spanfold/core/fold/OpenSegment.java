package io.spanfold.core.fold;

import io.spanfold.core.fold.SegmentState.PartState;
import java.util.ArrayList;
import java.util.List;

/**
 * A segment while a batch is folded into it, or while its timer is served; {@link SegmentState},
 * which says what the fields are, is its immutable form in state.
 */
final class OpenSegment {

  /** The representative: the id under which the segment is kept; it need not be its name. */
  final long id;

  long name;
  boolean rootKnown;
  int size;
  long lastMember;
  int nextPart;
  boolean overflowed;
  long rememberUntil;
  long timerAt;
  final List<OpenPart> closed = new ArrayList<>();
  OpenPart open;

  /** A new segment that consists of one id. */
  OpenSegment(long id) {
    this.id = id;
    name = id;
    size = 1;
    lastMember = id;
    rememberUntil = Long.MIN_VALUE;
    timerAt = SegmentState.NO_TIMER;
  }

  OpenSegment(long id, SegmentState state) {
    this.id = id;
    name = state.name();
    rootKnown = state.rootKnown();
    size = state.size();
    lastMember = state.lastMember();
    nextPart = state.nextPart();
    overflowed = state.overflowed();
    rememberUntil = state.rememberUntil();
    timerAt = state.timerAt();
    for (PartState part : state.closed()) {
      closed.add(new OpenPart(part));
    }
    open = state.open() == null ? null : new OpenPart(state.open());
  }

  SegmentState toState() {
    return new SegmentState(
        name,
        rootKnown,
        size,
        lastMember,
        nextPart,
        overflowed,
        rememberUntil,
        timerAt,
        closed.stream().map(OpenPart::toState).toList(),
        open == null ? null : open.toState());
  }

  boolean hasParts() {
    return open != null || !closed.isEmpty();
  }

  /** Returns a copy of the list of its parts, the oldest first. */
  List<OpenPart> parts() {
    List<OpenPart> parts = new ArrayList<>(closed);
    if (open != null) {
      parts.add(open);
    }
    return parts;
  }

  void remove(OpenPart part) {
    if (part == open) {
      open = null;
    } else {
      closed.remove(part);
    }
  }
}

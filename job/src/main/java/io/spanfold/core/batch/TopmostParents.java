package io.spanfold.core.batch;

import io.spanfold.core.model.Span;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Finds, for each span of a list, the topmost parent that can be reached within the list. */
final class TopmostParents {

  private TopmostParents() {}

  /** A span of a batch, and its place in the subsegments that the batch is grouped into. */
  static final class Member {
    final Span span;

    /** The id of its root, of its missing parent, or of the span that closes a cycle of parents. */
    long topmostParent;

    int subsegment;
    int index;

    private Member parent;
    private boolean onPath;
    private boolean resolved;

    private Member(Span span) {
      this.span = span;
    }
  }

  /** Returns {@code spans} in their order, each with its topmost parent. */
  static List<Member> of(List<Span> spans) {
    List<Member> members = new ArrayList<>(spans.size());
    Map<Long, Member> byId = new HashMap<>(spans.size() * 2);
    for (Span span : spans) {
      Member member = new Member(span);
      members.add(member);
      // Of several spans with one id the first counts, here as in the fold.
      byId.putIfAbsent(span.spanId(), member);
    }
    for (Member member : members) {
      member.parent = member.span.root() ? null : byId.get(member.span.parentId());
    }
    List<Member> path = new ArrayList<>();
    for (Member member : members) {
      resolve(member, path);
    }
    return members;
  }

  private static void resolve(Member start, List<Member> path) {
    path.clear();
    Member at = start;
    long top;
    while (true) {
      if (at.resolved) {
        top = at.topmostParent;
        break;
      }
      if (at.onPath) {
        top = at.span.spanId();
        break;
      }
      at.onPath = true;
      path.add(at);
      if (at.parent == null) {
        top = at.span.parentId();
        break;
      }
      at = at.parent;
    }
    for (Member member : path) {
      member.topmostParent = top;
      member.resolved = true;
    }
  }
}

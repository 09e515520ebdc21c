package io.spanfold.core.batch;

import io.spanfold.core.model.Span;
import java.util.List;

/** Finds, for each span of a list, the topmost parent that can be reached within the list. */
final class TopmostParents {

  /** The row of a parent that is not in the list. */
  private static final int NO_ROW = -1;

  private final List<Span> spans;
  private final FirstRows rows;
  private final boolean[] onPath;
  private final boolean[] resolved;
  private final long[] topmost;

  private TopmostParents(List<Span> spans) {
    int count = spans.size();
    this.spans = spans;
    this.onPath = new boolean[count];
    this.resolved = new boolean[count];
    this.topmost = new long[count];
    long[] spanIds = new long[count];
    this.rows = new FirstRows(spanIds);
    for (int row = 0; row < count; row++) {
      spanIds[row] = spans.get(row).spanId();
      // Of several spans with one id the first counts, here as in the fold.
      rows.add(row);
    }
  }

  /**
   * Returns the topmost parent of each of {@code spans}: the id of its root, of its missing parent,
   * or of the span that closes a cycle of parents.
   */
  static long[] of(List<Span> spans) {
    TopmostParents parents = new TopmostParents(spans);
    for (int row = 0; row < spans.size(); row++) {
      parents.resolve(row);
    }
    return parents.topmost;
  }

  private void resolve(int start) {
    int at = start;
    while (!resolved[at] && !onPath[at]) {
      onPath[at] = true;
      int parent = parent(at);
      if (parent == NO_ROW) {
        topmost[at] = spans.get(at).parentId();
        resolved[at] = true;
      } else {
        at = parent;
      }
    }
    long top = resolved[at] ? topmost[at] : spans.get(at).spanId();
    for (at = start; !resolved[at]; at = parent(at)) {
      topmost[at] = top;
      resolved[at] = true;
    }
  }

  private int parent(int row) {
    Span span = spans.get(row);
    return span.root() ? NO_ROW : rows.find(span.parentId());
  }
}

package io.spanfold.core.batch;

import io.spanfold.core.model.Span;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Finds, for each span of a list, the topmost parent that can be reached within the list. */
final class TopmostParents {

  private static final int UNKNOWN = -1;

  private final List<Span> spans;
  private final Map<Long, Integer> rowOf = new HashMap<>();
  private final long[] tops;
  private final boolean[] known;
  private final boolean[] onPath;

  private TopmostParents(List<Span> spans) {
    this.spans = spans;
    tops = new long[spans.size()];
    known = new boolean[spans.size()];
    onPath = new boolean[spans.size()];
    for (int row = 0; row < tops.length; row++) {
      // Of several spans with one id the first counts, here as in the fold.
      rowOf.putIfAbsent(spans.get(row).spanId(), row);
    }
  }

  /**
   * Returns, for each span, the id of its root, of its missing parent, or of the span that closes
   * its cycle.
   */
  static long[] of(List<Span> spans) {
    TopmostParents parents = new TopmostParents(spans);
    int[] path = new int[spans.size()];
    for (int row = 0; row < parents.tops.length; row++) {
      parents.resolve(row, path);
    }
    return parents.tops;
  }

  private void resolve(int start, int[] path) {
    int length = 0;
    int row = start;
    long top;
    while (true) {
      if (known[row]) {
        top = tops[row];
        break;
      }
      if (onPath[row]) {
        top = spans.get(row).spanId();
        break;
      }
      onPath[row] = true;
      path[length++] = row;
      int parent =
          spans.get(row).root() ? UNKNOWN : rowOf.getOrDefault(spans.get(row).parentId(), UNKNOWN);
      if (parent == UNKNOWN) {
        top = spans.get(row).parentId();
        break;
      }
      row = parent;
    }
    for (int member : Arrays.copyOf(path, length)) {
      tops[member] = top;
      known[member] = true;
      onPath[member] = false;
    }
  }
}

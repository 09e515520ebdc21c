package io.spanfold.local.bench.load;

import java.util.SplittableRandom;

/** One trace and the order in which its spans are sent. Not thread-safe. */
final class TracePlan {

  /** The maximum distance of a span from its place in post-order. */
  private static final int JITTER = 3;

  final long number;
  final long firstSpan;
  private final TraceTree tree;
  private final int[] order;
  private int next;

  TracePlan(long number, long firstSpan, TraceTree tree) {
    this.number = number;
    this.firstSpan = firstSpan;
    this.tree = tree;
    this.order = postOrder(tree.parents());
  }

  /** Children come before their parents, with some exceptions. */
  TracePlan jittered(SplittableRandom random) {
    jitter(order, random);
    return this;
  }

  private static int[] postOrder(int[] parents) {
    int count = parents.length;
    int[] firstChild = new int[count];
    int[] sibling = new int[count];
    for (int i = 1; i < count; i++) {
      sibling[i] = firstChild[parents[i]];
      firstChild[parents[i]] = i;
    }
    int[] order = new int[count];
    int done = 0;
    int at = 0;
    // 0 means none: the root is not a child.
    while (done < count) {
      if (firstChild[at] != 0) {
        int child = firstChild[at];
        firstChild[at] = sibling[child];
        at = child;
      } else {
        order[done++] = at;
        at = parents[at];
      }
    }
    return order;
  }

  private static void jitter(int[] order, SplittableRandom random) {
    for (int i = 0; i + 1 < order.length; i++) {
      if (random.nextInt(4) == 0) {
        int other = Math.min(order.length - 1, i + 1 + random.nextInt(JITTER));
        int kept = order[i];
        order[i] = order[other];
        order[other] = kept;
      }
    }
  }

  /** Skips the first {@code count} spans, but not the last one. */
  void skip(int count) {
    next = Math.min(order.length - 1, count);
  }

  /** Returns the number of the next span. */
  int take() {
    return order[next++];
  }

  boolean isDone() {
    return next == order.length;
  }

  /** Returns the parent's number; -1 for the first span. */
  int parentOf(int span) {
    return tree.parents()[span];
  }

  /** Returns whether a span is the root of a segment. */
  boolean isRoot(int span) {
    return tree.roots().get(span);
  }

  int serviceOf(int span) {
    return tree.services()[span];
  }

  int size() {
    return tree.size();
  }
}

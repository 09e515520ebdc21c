package io.spanfold.local.bench.load;

import java.util.BitSet;
import java.util.SplittableRandom;

/**
 * The spans of a trace, numbered from 0. A parent's number is less than its children's.
 *
 * @param parents the parent of each span; -1 for the first
 * @param roots the spans that begin a segment
 * @param services the service of each span
 */
record TraceTree(int[] parents, BitSet roots, int[] services) {

  /** Returns a trace of one segment, of the first service. */
  static TraceTree ofOneSegment(int spans, Load.Shape shape, SplittableRandom random) {
    int[] parents = new int[spans];
    parents[0] = -1;
    for (int i = 1; i < spans; i++) {
      parents[i] =
          switch (shape) {
            case RANDOM_TREE -> random.nextInt(i);
            case FLAT -> 0;
            case CHAIN -> i - 1;
            case SERVICES -> throw new IllegalArgumentException("not a tree of one segment");
          };
    }
    BitSet roots = new BitSet();
    roots.set(0);
    return new TraceTree(parents, roots, new int[spans]);
  }

  int size() {
    return parents.length;
  }
}

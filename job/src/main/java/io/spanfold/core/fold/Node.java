package io.spanfold.core.fold;

/**
 * A span id that the fold knows: of a span that has arrived, or of a parent that has not. The ids
 * of a segment form a tree of redirects that ends at the segment's representative, and a linked
 * list of all of them that starts there.
 *
 * @param redirect the id this one redirects to, nearer to the representative; the representative
 *     redirects to itself
 * @param next the next id of the segment's list; undefined if {@code last}
 * @param last whether the list ends here
 * @param seen whether the span itself has arrived
 */
public record Node(long redirect, long next, boolean last, boolean seen) {

  Node redirectedTo(long id) {
    return new Node(id, next, last, seen);
  }

  Node followedBy(long id) {
    return new Node(redirect, id, false, seen);
  }

  Node asSeen() {
    return new Node(redirect, next, last, true);
  }
}

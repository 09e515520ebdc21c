package io.spanfold.local;

/** How many spans went in, and where they are. For use by one thread. */
final class Tally {

  long in;
  long out;
  long segments;
  long deadLetters;
  long outcomes;

  /** Returns the spans that are accounted for. */
  long accounted() {
    return out + deadLetters + outcomes;
  }

  /** Returns the spans that are not accounted for: still buffered, or dropped as duplicates. */
  long open() {
    return in - accounted();
  }

  /** Counts a message of a segment; the first chunk of one counts as the segment. */
  void addSegment(int spans) {
    out += spans;
    segments++;
  }
}

package io.spanfold.core.batch;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Finds rows by their key; of rows with one key, the first. One array of numbers, without an object
 * per row: most traces have a few spans in a batch. Not thread-safe.
 */
final class FirstRows {

  private static final int NONE = -1;

  /**
   * Random and odd. Keys are ids from records: without knowing it, nobody can choose ids that share
   * a place in the table.
   */
  private static final long FACTOR = new SplittableRandom().nextLong() | 1;

  private final long[] keys;

  /** Rows, each at the place of its key or at the next free one; at most half are taken. */
  private final int[] places;

  private final int shift;

  /**
   * @param keys the key of each row; only those of rows that were added are read
   */
  FirstRows(long[] keys) {
    this.keys = keys;
    int bits = Integer.SIZE - Integer.numberOfLeadingZeros(Math.max(1, keys.length * 2 - 1));
    this.places = new int[1 << bits];
    this.shift = Long.SIZE - bits;
    Arrays.fill(places, NONE);
  }

  /** Adds a row. Returns the row with its key that was added first, which may be this one. */
  int add(int row) {
    int place = place(keys[row]);
    if (places[place] == NONE) {
      places[place] = row;
    }
    return places[place];
  }

  /** Returns the row with {@code key} that was added first; -1 if there is none. */
  int find(long key) {
    return places[place(key)];
  }

  /** Returns the place with the row of {@code key}, or the free one where it belongs. */
  private int place(long key) {
    int place = (int) (key * FACTOR >>> shift);
    while (places[place] != NONE && keys[places[place]] != key) {
      place = (place + 1) & (places.length - 1);
    }
    return place;
  }
}

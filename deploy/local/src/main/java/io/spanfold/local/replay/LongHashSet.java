package io.spanfold.local.replay;

/** A set of 64-bit hashes that needs 11 to 21 bytes per element. Not thread-safe. */
final class LongHashSet {

  private static final int INITIAL_CAPACITY = 1 << 12;

  private long[] table = new long[INITIAL_CAPACITY];
  private int size;

  /** Adds a hash and returns whether it was absent. Zero is treated as one. */
  boolean add(long hash) {
    if (size > table.length / 4 * 3) {
      grow();
    }
    if (!put(table, hash == 0 ? 1 : hash)) {
      return false;
    }
    size++;
    return true;
  }

  private static boolean put(long[] table, long hash) {
    int at = (int) (hash ^ (hash >>> 32)) & (table.length - 1);
    while (table[at] != 0) {
      if (table[at] == hash) {
        return false;
      }
      at = (at + 1) & (table.length - 1);
    }
    table[at] = hash;
    return true;
  }

  private void grow() {
    long[] larger = new long[table.length * 2];
    for (long hash : table) {
      if (hash != 0) {
        put(larger, hash);
      }
    }
    table = larger;
  }

  /** Returns a hash of a text: FNV-1a over its characters, then a final mix. */
  static long hash(String text) {
    long hash = 0xcbf29ce484222325L;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
    }
    hash = (hash ^ (hash >>> 33)) * 0xff51afd7ed558ccdL;
    return hash ^ (hash >>> 33);
  }
}

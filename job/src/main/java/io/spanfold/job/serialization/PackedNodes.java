package io.spanfold.job.serialization;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.fold.Node;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import java.util.function.BiConsumer;

/**
 * The nodes of a {@link PackedTrace}: a table with a place a node, and a hash index from ids to
 * places. Nodes refer to one another by their place, in a byte or two, not by their ids of eight.
 */
final class PackedNodes {

  private static final int LAST = 1;
  private static final int SEEN = 2;

  /** The redirect of a place whose node was removed. Only removed nodes refer to it. */
  private static final int REMOVED = -1;

  private static final int MIN_PLACES = 32;

  private int places;
  private int removed;
  private long[] ids = new long[MIN_PLACES];
  private byte[] flags = new byte[MIN_PLACES];
  private int[] redirects = new int[MIN_PLACES];
  private int[] next = new int[MIN_PLACES];

  /** Places plus one by a hash of their ids, with open addressing; 0 for none. */
  private int[] index = new int[2 * MIN_PLACES];

  /** How much of the index is used, less one: no more than the nodes need. */
  private int mask;

  PackedNodes() {
    clear();
  }

  void clear() {
    places = 0;
    removed = 0;
    clearIndex(MIN_PLACES);
  }

  private void clearIndex(int room) {
    mask = 2 * room - 1;
    if (index.length <= mask) {
      index = new int[mask + 1];
    } else {
      Arrays.fill(index, 0, mask + 1, 0);
    }
  }

  boolean isEmpty() {
    return places == removed;
  }

  /** Returns the node of an id; null if it does not exist. */
  Node get(long id) {
    int place = find(id);
    return place < 0 || redirects[place] == REMOVED ? null : node(place);
  }

  private Node node(int place) {
    boolean last = (flags[place] & LAST) != 0;
    return new Node(
        ids[redirects[place]], last ? 0 : ids[next[place]], last, (flags[place] & SEEN) != 0);
  }

  /** Sets the node of an id. The nodes that it refers to exist. */
  void put(long id, Node node) {
    int place = find(id);
    if (place < 0) {
      place = append(id);
    } else if (redirects[place] == REMOVED) {
      removed--;
    }
    redirects[place] = node.redirect() == id ? place : existing(node.redirect());
    next[place] = node.last() ? place : existing(node.next());
    flags[place] = (byte) ((node.last() ? LAST : 0) | (node.seen() ? SEEN : 0));
  }

  private int existing(long id) {
    int place = find(id);
    if (place < 0) {
      throw new IllegalStateException("a node refers to one that does not exist");
    }
    return place;
  }

  void remove(long id) {
    int place = find(id);
    if (place >= 0 && redirects[place] != REMOVED) {
      redirects[place] = REMOVED;
      removed++;
    }
  }

  void forEach(BiConsumer<Long, Node> action) {
    for (int place = 0; place < places; place++) {
      if (redirects[place] != REMOVED) {
        action.accept(ids[place], node(place));
      }
    }
  }

  void write(DataOutput out) throws IOException {
    if (removed > 0) {
      compact();
    }
    VarInts.write(places, out);
    for (int place = 0; place < places; place++) {
      out.writeLong(ids[place]);
    }
    for (int place = 0; place < places; place++) {
      out.writeByte(flags[place]);
      VarInts.write(redirects[place], out);
      if ((flags[place] & LAST) == 0) {
        VarInts.write(next[place], out);
      }
    }
  }

  void read(DataInput in) throws IOException {
    int size = VarInts.readInt(in);
    clear();
    reserve(size);
    for (int place = 0; place < size; place++) {
      append(in.readLong());
    }
    for (int place = 0; place < size; place++) {
      flags[place] = in.readByte();
      redirects[place] = VarInts.readInt(in);
      next[place] = (flags[place] & LAST) != 0 ? place : VarInts.readInt(in);
    }
  }

  /** Gives the places of removed nodes to others. */
  private void compact() {
    int[] movedTo = new int[places];
    int kept = 0;
    for (int place = 0; place < places; place++) {
      movedTo[place] = kept;
      if (redirects[place] != REMOVED) {
        kept++;
      }
    }
    int all = places;
    clear();
    for (int place = 0; place < all; place++) {
      if (redirects[place] != REMOVED) {
        int to = append(ids[place]);
        flags[to] = flags[place];
        redirects[to] = movedTo[redirects[place]];
        next[to] = movedTo[next[place]];
      }
    }
  }

  private int append(long id) {
    reserve(places + 1);
    ids[places] = id;
    addToIndex(places);
    return places++;
  }

  private void reserve(int size) {
    if (2 * size <= mask + 1) {
      return;
    }
    int room = Integer.highestOneBit(size - 1) * 2;
    if (room > ids.length) {
      ids = Arrays.copyOf(ids, room);
      flags = Arrays.copyOf(flags, room);
      redirects = Arrays.copyOf(redirects, room);
      next = Arrays.copyOf(next, room);
    }
    clearIndex(room);
    for (int place = 0; place < places; place++) {
      addToIndex(place);
    }
  }

  private void addToIndex(int place) {
    int slot = slot(ids[place]);
    while (index[slot] != 0) {
      slot = slot + 1 & mask;
    }
    index[slot] = place + 1;
  }

  /** Returns the place of an id; negative if it has none. */
  private int find(long id) {
    int slot = slot(id);
    while (index[slot] != 0) {
      int place = index[slot] - 1;
      if (ids[place] == id) {
        return place;
      }
      slot = slot + 1 & mask;
    }
    return -1;
  }

  private int slot(long id) {
    long mixed = id * 0x9E3779B97F4A7C15L;
    return (int) (mixed >>> 32) & mask;
  }
}

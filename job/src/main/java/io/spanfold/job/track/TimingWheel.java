package io.spanfold.job.track;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What is to be done at which record time, on the heap. Nearly all times are rounded up to a tenth
 * of a second, so that thousands of entries share a slot: adding, moving and removing one costs
 * about the same however many there are.
 *
 * <p>An entry is in the wheel once at most. Nothing of it is in state: it is filled again from
 * there after a restore. Not thread-safe.
 */
final class TimingWheel {

  /** Something that is to be done at a time. */
  abstract static class Entry {
    private long time;

    /** Where it is in its slot; negative if it is not in the wheel. */
    private int place = -1;

    /** Returns the time it is set for, if it is in the wheel. */
    final long time() {
      return time;
    }
  }

  private final TreeMap<Long, List<Entry>> slots = new TreeMap<>();

  /** Sets an entry for a time, in place of the one it was set for. */
  void set(Entry entry, long time) {
    if (entry.place >= 0) {
      if (entry.time == time) {
        return;
      }
      remove(entry);
    }
    List<Entry> slot = slots.computeIfAbsent(time, t -> new ArrayList<>());
    entry.time = time;
    entry.place = slot.size();
    slot.add(entry);
  }

  /** Removes an entry, if it is in the wheel. */
  void remove(Entry entry) {
    if (entry.place < 0) {
      return;
    }
    List<Entry> slot = slots.get(entry.time);
    Entry last = slot.remove(slot.size() - 1);
    if (last != entry) {
      last.place = entry.place;
      slot.set(entry.place, last);
    }
    if (slot.isEmpty()) {
      slots.remove(entry.time);
    }
    entry.place = -1;
  }

  /** Removes and returns an entry of the earliest time, if that is {@code until} at most. */
  Entry poll(long until) {
    Map.Entry<Long, List<Entry>> first = slots.firstEntry();
    if (first == null || first.getKey() > until) {
      return null;
    }
    List<Entry> slot = first.getValue();
    Entry entry = slot.get(slot.size() - 1);
    remove(entry);
    return entry;
  }

  boolean isEmpty() {
    return slots.isEmpty();
  }

  /** Returns whether an entry is set for {@code time} or earlier. */
  boolean isDue(long time) {
    return !slots.isEmpty() && slots.firstKey() <= time;
  }
}

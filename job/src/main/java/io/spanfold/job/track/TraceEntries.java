package io.spanfold.job.track;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.util.FlinkRuntimeException;

/**
 * One trace's entries of one kind, cached between {@link #begin} and {@link #writeBack}: an entry
 * is read from state once at most, and written once at most, however often the fold asks. The cache
 * is bounded: a large trace's entries are written back in between.
 *
 * @param <V> an entry
 */
final class TraceEntries<V> {

  /** Some hundred bytes each. */
  private static final int MAX_HELD = 20_000;

  private final MapState<Long, V> state;
  private final Map<Long, Held<V>> held = new HashMap<>();
  private boolean whole;

  TraceEntries(MapState<Long, V> state) {
    this.state = state;
  }

  /** Begins with a trace whose entries are all in {@code entries}, none in state. */
  void beginWhole(Map<Long, V> entries) {
    held.clear();
    whole = true;
    entries.forEach((key, value) -> held.put(key, new Held<>(value)));
  }

  /** Begins with a trace whose entries are in state. */
  void begin() {
    held.clear();
    whole = false;
  }

  /** Returns an entry; null if it does not exist. */
  V get(long key) {
    Held<V> entry = held.get(key);
    if (entry != null) {
      return entry.value;
    }
    if (whole) {
      return null;
    }
    V value = read(key);
    hold(key, new Held<>(value));
    return value;
  }

  /** Sets an entry; null removes it. */
  void put(long key, V value) {
    if (whole && value == null) {
      held.remove(key);
      return;
    }
    Held<V> entry = held.get(key);
    if (entry == null) {
      entry = new Held<>(value);
      hold(key, entry);
    }
    entry.value = value;
    entry.changed = true;
  }

  private void hold(long key, Held<V> entry) {
    if (!whole && held.size() >= MAX_HELD) {
      writeBack();
    }
    held.put(key, entry);
  }

  /** Writes changed entries to state; all of them if the trace was begun as a whole. */
  void writeBack() {
    for (Map.Entry<Long, Held<V>> each : held.entrySet()) {
      Held<V> entry = each.getValue();
      if (whole || entry.changed) {
        write(each.getKey(), entry.value);
      }
    }
    begin();
  }

  /** Returns all entries of a trace that was begun as a whole. */
  Map<Long, V> all() {
    Map<Long, V> all = new HashMap<>(held.size() * 2);
    held.forEach((key, entry) -> all.put(key, entry.value));
    return all;
  }

  /** Returns all entries, and removes them. */
  Map<Long, V> takeAll() {
    if (!whole) {
      writeBack();
      takeFromState();
    }
    Map<Long, V> all = all();
    held.clear();
    return all;
  }

  /** Returns whether state has no entry. Only after {@link #writeBack}. */
  boolean isEmptyInState() {
    try {
      return state.isEmpty();
    } catch (Exception e) {
      throw new FlinkRuntimeException("cannot read the state of a trace", e);
    }
  }

  private V read(long key) {
    try {
      return state.get(key);
    } catch (Exception e) {
      throw new FlinkRuntimeException("cannot read the state of a trace", e);
    }
  }

  private void write(long key, V value) {
    try {
      if (value == null) {
        state.remove(key);
      } else {
        state.put(key, value);
      }
    } catch (Exception e) {
      throw new FlinkRuntimeException("cannot write the state of a trace", e);
    }
  }

  private void takeFromState() {
    try {
      for (Map.Entry<Long, V> each : state.entries()) {
        held.put(each.getKey(), new Held<>(each.getValue()));
      }
      state.clear();
    } catch (Exception e) {
      throw new FlinkRuntimeException("cannot take the state of a trace", e);
    }
  }

  private static final class Held<V> {
    private V value;
    private boolean changed;

    Held(V value) {
      this.value = value;
    }
  }
}

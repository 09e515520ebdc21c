package io.spanfold.job.track;

import java.util.HashMap;
import java.util.Map;
import java.util.function.BiConsumer;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.util.FlinkRuntimeException;

/**
 * One trace's entries of one kind, cached between {@link #begin} and {@link #writeBack}: an entry
 * is read from state once at most, and written once at most, however often the fold asks. The cache
 * is bounded: entries are written back in between.
 *
 * @param <V> an entry
 */
final class TraceEntries<V> {

  /** Some hundred bytes each. */
  private static final int MAX_HELD = 20_000;

  private final MapState<Long, V> state;
  private final Map<Long, Held<V>> held = new HashMap<>();

  TraceEntries(MapState<Long, V> state) {
    this.state = state;
  }

  /** Begins with the current key. */
  void begin() {
    held.clear();
  }

  /** Returns an entry; null if it does not exist. */
  V get(long key) {
    Held<V> entry = held.get(key);
    if (entry == null) {
      entry = new Held<>(read(key));
      hold(key, entry);
    }
    return entry.value;
  }

  /** Sets an entry; null removes it. */
  void put(long key, V value) {
    Held<V> entry = held.get(key);
    if (entry == null) {
      entry = new Held<>(value);
      hold(key, entry);
    }
    entry.value = value;
    entry.changed = true;
  }

  private void hold(long key, Held<V> entry) {
    if (held.size() >= MAX_HELD) {
      writeBack();
    }
    held.put(key, entry);
  }

  /** Writes changed entries to state. */
  void writeBack() {
    for (Map.Entry<Long, Held<V>> each : held.entrySet()) {
      if (each.getValue().changed) {
        write(each.getKey(), each.getValue().value);
      }
    }
    held.clear();
  }

  /** Returns all entries, and removes them. */
  Map<Long, V> takeAll() {
    writeBack();
    Map<Long, V> all = new HashMap<>();
    forEachInState(all::put);
    state.clear();
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

  /** Calls {@code action} for each entry in state. */
  void forEachInState(BiConsumer<Long, V> action) {
    try {
      for (Map.Entry<Long, V> each : state.entries()) {
        action.accept(each.getKey(), each.getValue());
      }
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

  private static final class Held<V> {
    private V value;
    private boolean changed;

    Held(V value) {
      this.value = value;
    }
  }
}

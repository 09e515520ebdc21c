package io.spanfold.job.track;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.serialization.StateType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.runtime.state.KeyGroupRange;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;

/**
 * The traces of the heap as they were at the last checkpoint: one value a key group, in keyed
 * state, of all its traces. A value for each trace would cost several times as much at a barrier.
 *
 * <p>Flink has no keyed state of a key group. The value is kept under a key that stands for its key
 * group, the same one in every job of this maximum parallelism, so that state is found after
 * rescaling. No trace has a value in this state under its own key.
 */
final class KeyGroupSnapshots {

  private static final int USUAL_BYTES = 64 << 10;

  private final ValueState<byte[]> values;
  private final Consumer<TraceKey> currentKey;
  private final KeyGroupRange range;
  private final int maxParallelism;
  private final TraceKey[] keys;

  /** The key groups that have a value. */
  private final boolean[] written;

  /**
   * @param currentKey sets the key whose state is accessed
   * @param range the key groups of this subtask
   */
  KeyGroupSnapshots(
      KeyedStateStore store,
      Consumer<TraceKey> currentKey,
      KeyGroupRange range,
      int maxParallelism) {
    values =
        store.getState(
            new ValueStateDescriptor<>("open-traces", BytePrimitiveArraySerializer.INSTANCE));
    this.currentKey = currentKey;
    this.range = range;
    this.maxParallelism = maxParallelism;
    keys = new TraceKey[range.getNumberOfKeyGroups()];
    written = new boolean[keys.length];
    findKeys();
  }

  /** Takes the first number that is of each key group. */
  private void findKeys() {
    int missing = keys.length;
    for (long number = 0; missing > 0; number++) {
      TraceKey key = new TraceKey(0, 0, number);
      int group = KeyGroupRangeAssignment.assignToKeyGroup(key, maxParallelism);
      if (range.contains(group) && keys[group - range.getStartKeyGroup()] == null) {
        keys[group - range.getStartKeyGroup()] = key;
        missing--;
      }
    }
  }

  /** Replaces all values by those of these traces. */
  void write(HeapTraces traces) throws IOException {
    List<List<TrackedTrace>> groups = new ArrayList<>(keys.length);
    for (int i = 0; i < keys.length; i++) {
      groups.add(new ArrayList<>());
    }
    traces.forEach(trace -> groups.get(group(trace.key)).add(trace));
    DataOutputSerializer out = new DataOutputSerializer(USUAL_BYTES);
    for (int i = 0; i < keys.length; i++) {
      write(i, groups.get(i), out);
    }
  }

  private int group(TraceKey key) {
    return KeyGroupRangeAssignment.assignToKeyGroup(key, maxParallelism) - range.getStartKeyGroup();
  }

  private void write(int group, List<TrackedTrace> traces, DataOutputSerializer out)
      throws IOException {
    if (traces.isEmpty() && !written[group]) {
      return;
    }
    written[group] = !traces.isEmpty();
    currentKey.accept(keys[group]);
    if (traces.isEmpty()) {
      values.clear();
      return;
    }
    out.clear();
    for (TrackedTrace trace : traces) {
      StateType.TRACE_KEY.write(trace.key, out);
      VarInts.writeBytes(trace.packed, out);
    }
    values.update(out.getCopyOfBuffer());
  }

  /** Passes each trace of restored state on, with its state. */
  void read(BiConsumer<TraceKey, byte[]> action) throws IOException {
    for (int i = 0; i < keys.length; i++) {
      currentKey.accept(keys[i]);
      byte[] value = values.value();
      written[i] = value != null;
      if (value != null) {
        DataInputDeserializer in = new DataInputDeserializer(value);
        while (in.available() > 0) {
          TraceKey key = StateType.TRACE_KEY.read(StateType.TRACE_KEY.version(), in);
          action.accept(key, VarInts.readBytes(in));
        }
      }
    }
  }
}

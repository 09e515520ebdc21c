package io.spanfold.job.track;

import io.spanfold.job.serialization.PackedTrace;
import java.io.IOException;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;

/**
 * The state of the trace that is the current key. A small trace is one value, a {@link
 * PackedTrace}, read and written once a batch. A larger one is in entries, and stays there until it
 * is forgotten.
 *
 * <p>Flink sees the value as bytes, so it never migrates them: a value is written in the current
 * form when its trace changes. The names of the states are part of every savepoint.
 *
 * <p>Not thread-safe. The fold uses it between {@link #open} and {@link #close}.
 */
final class TraceStore {

  /** The size of a trace of some three hundred spans. */
  static final int MAX_PACKED_BYTES = 8 << 10;

  /** The value of a trace that is kept in entries. */
  private static final byte[] IN_ENTRIES = {};

  private final PackedTrace small;
  private final LargeTraceState large;
  private final ValueState<byte[]> values;
  private final int maxPackedBytes;

  private boolean saved;
  private boolean isLarge;

  /**
   * @param small holds the open trace if it is small
   * @param large holds it if it is large
   * @param maxPackedBytes a trace that is larger is a large one
   */
  TraceStore(
      PackedTrace small, LargeTraceState large, KeyedStateStore store, int maxPackedBytes) {
    this.small = small;
    this.large = large;
    this.maxPackedBytes = maxPackedBytes;
    values =
        store.getState(new ValueStateDescriptor<>("trace", BytePrimitiveArraySerializer.INSTANCE));
  }

  /** Opens the trace of the current key. Returns whether it is a large one. */
  boolean open() throws IOException {
    byte[] value = values.value();
    saved = value != null;
    isLarge = saved && value.length == 0;
    if (isLarge) {
      large.begin();
    } else if (saved) {
      small.read(value);
    } else {
      small.clear();
    }
    return isLarge;
  }

  /** Writes the changes of the open trace into state. */
  void close() throws IOException {
    if (isLarge) {
      if (large.save()) {
        values.clear();
      }
    } else if (small.isChanged()) {
      saveSmall();
    }
  }

  private void saveSmall() throws IOException {
    if (small.isEmpty()) {
      if (saved) {
        values.clear();
      }
      return;
    }
    byte[] value = small.write();
    if (value.length > maxPackedBytes) {
      large.begin();
      small.copyTo(large);
      large.save();
      value = IN_ENTRIES;
    }
    values.update(value);
  }
}

package io.spanfold.job.track;

import io.spanfold.core.fold.FoldState;
import io.spanfold.core.fold.ReorderState;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.serialization.PackedTrace;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.runtime.state.KeyedStateBackend;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;

/**
 * The traces in state, and when each of them is due. A small trace is one value, a {@link
 * PackedTrace}, read and written once a batch. A larger one is in entries, and stays there until it
 * is forgotten.
 *
 * <p>The heap has an object for every trace in state, so that a trace which is not there is known
 * to be new, and the wheel needs no state of its own: {@link #restore} fills it from the traces.
 *
 * <p>Flink sees a value as bytes, so it never migrates them: a value is written in the current form
 * when its trace changes. The names of the states are part of every savepoint.
 *
 * <p>Not thread-safe. The fold uses the state of one trace between {@link #open} and {@link
 * #close}.
 */
final class TraceStore {

  /** The size of a trace of some three hundred spans. */
  static final int MAX_PACKED_BYTES = 8 << 10;

  /** The value of a trace that is kept in entries. */
  private static final byte[] IN_ENTRIES = {};

  private final ValueStateDescriptor<byte[]> descriptor =
      new ValueStateDescriptor<>("trace", BytePrimitiveArraySerializer.INSTANCE);

  private final PackedTrace small = new PackedTrace();
  private final LargeTraceState large;
  private final ValueState<byte[]> values;
  private final Consumer<TraceKey> currentKey;
  private final int maxPackedBytes;

  private final Map<TraceKey, TrackedTrace> traces = new HashMap<>();
  private final TimingWheel wheel = new TimingWheel();

  private TrackedTrace open;

  /**
   * @param currentKey sets the key whose state is accessed
   * @param maxPackedBytes a trace that is larger is a large one
   */
  TraceStore(KeyedStateStore store, Consumer<TraceKey> currentKey, int maxPackedBytes) {
    this.currentKey = currentKey;
    this.maxPackedBytes = maxPackedBytes;
    large = new LargeTraceState(store);
    values = store.getState(descriptor);
  }

  /** Finds the traces in restored state. Reads each small trace, and each segment of a large one. */
  void restore(KeyedStateBackend<TraceKey> backend) throws Exception {
    backend.applyToAllKeys(
        VoidNamespace.INSTANCE,
        VoidNamespaceSerializer.INSTANCE,
        descriptor,
        (key, value) -> found(key, value.value()));
  }

  private void found(TraceKey key, byte[] value) throws IOException {
    TrackedTrace trace = new TrackedTrace(key);
    traces.put(key, trace);
    if (value.length > 0) {
      trace.remembered = PackedTrace.isRemembered(value);
      wheel.set(trace, PackedTrace.dueAt(value));
      return;
    }
    trace.large = true;
    large.begin();
    setLargeTimers(trace);
  }

  /** Returns the state of the small trace that is open, whichever it is. */
  FoldState small() {
    return small;
  }

  /** Returns the state of the large trace that is open, whichever it is. */
  FoldState large() {
    return large;
  }

  /** Opens a trace, which may be new. Returns whether it is a large one. */
  boolean open(TraceKey key) throws IOException {
    TrackedTrace trace = traces.get(key);
    if (trace != null) {
      return open(trace);
    }
    open = new TrackedTrace(key);
    small.clear();
    return false;
  }

  /** Opens a trace that is in state. Returns whether it is a large one. */
  boolean open(TrackedTrace trace) throws IOException {
    open = trace;
    currentKey.accept(trace.key);
    if (trace.large) {
      large.begin();
    } else {
      small.read(values.value());
    }
    return trace.large;
  }

  /** Returns whether early spans of the open trace are due. */
  boolean areEarlySpansDue(long time) {
    ReorderState early = open.large ? large.reorderState() : small.reorderState();
    return early != null && early.until() <= time;
  }

  /** Returns the segments of the open trace that are due; only of a small one. */
  List<Long> dueSegments(long time) {
    return open.large ? List.of() : small.dueSegments(time);
  }

  /** Sets a timer for a segment of the open trace. That of a small trace has its segments' times. */
  void setTimer(long segment, long time) {
    if (open.large) {
      wheel.set(new SegmentTimer(open, segment), time);
    }
  }

  /** Writes the changes of the open trace into state, and sets when it is due next. */
  void close() throws IOException {
    TrackedTrace trace = open;
    open = null;
    if (trace.large) {
      closeLarge(trace);
    } else {
      closeSmall(trace);
    }
  }

  private void closeLarge(TrackedTrace trace) throws IOException {
    if (large.save()) {
      forget(trace);
      return;
    }
    setEarlyTimer(trace);
  }

  private void closeSmall(TrackedTrace trace) throws IOException {
    if (small.isEmpty()) {
      forget(trace);
      return;
    }
    if (small.isChanged()) {
      traces.put(trace.key, trace);
      currentKey.accept(trace.key);
      byte[] value = small.write();
      if (value.length > maxPackedBytes) {
        enlarge(trace);
        return;
      }
      values.update(value);
      trace.remembered = PackedTrace.isRemembered(value);
    }
    wheel.set(trace, small.dueAt());
  }

  private void enlarge(TrackedTrace trace) throws IOException {
    trace.large = true;
    trace.remembered = false;
    large.begin();
    small.copyTo(large);
    large.save();
    values.update(IN_ENTRIES);
    setLargeTimers(trace);
  }

  private void setLargeTimers(TrackedTrace trace) {
    large.forEachSegment(
        (id, segment) -> wheel.set(new SegmentTimer(trace, id), segment.timerAt()));
    setEarlyTimer(trace);
  }

  private void setEarlyTimer(TrackedTrace trace) {
    ReorderState early = large.reorderState();
    if (early == null) {
      wheel.remove(trace);
    } else {
      wheel.set(trace, early.until());
    }
  }

  /** Removes a trace from state, except for entries that it may have there. */
  void forget(TrackedTrace trace) {
    trace.forgotten = true;
    wheel.remove(trace);
    if (traces.remove(trace.key) != null) {
      currentKey.accept(trace.key);
      values.clear();
    }
  }

  /**
   * Removes and returns what is due first: a {@link TrackedTrace} or a {@link SegmentTimer}; null
   * if nothing is due at {@code time} or earlier.
   */
  TimingWheel.Entry pollDue(long time) {
    return wheel.poll(time);
  }

  boolean isDue(long time) {
    return wheel.isDue(time);
  }

  /** Returns whether neither a trace nor a timer is left. */
  boolean isEmpty() {
    return traces.isEmpty() && wheel.isEmpty();
  }

  /** Returns how many traces are in state. */
  int size() {
    return traces.size();
  }
}

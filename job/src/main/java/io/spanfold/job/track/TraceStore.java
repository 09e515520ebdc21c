package io.spanfold.job.track;

import io.spanfold.core.fold.FoldState;
import io.spanfold.core.fold.ReorderState;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.serialization.PackedTrace;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.runtime.state.CheckpointableKeyedStateBackend;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;

/**
 * The traces in state, and when each of them is due.
 *
 * <p>A small trace is one {@link PackedTrace}, read and written once a batch: on the heap, as long
 * as there is room, else in keyed state. What is on the heap is written to keyed state at each
 * checkpoint ({@link #beforeSnapshot}), so a trace that comes and goes between two checkpoints
 * never touches it. A large trace is in entries of keyed state ({@link LargeTraceState}), and stays
 * there until it is forgotten.
 *
 * <p>The heap has an object for every trace in state. So a trace that has none is known to be new,
 * and when traces are due needs no state of its own: {@link #restore} finds it.
 *
 * <p>Flink sees a value as bytes, so it never migrates them: a value is written in the current form
 * when its trace changes. The names of the states are part of every savepoint.
 *
 * <p>Not thread-safe. The fold uses the state of one trace between {@link #open} and {@link
 * #close}.
 */
final class TraceStore {

  /**
   * Where traces are.
   *
   * @param packedBytes a trace of more bytes is a large one
   * @param batchSpans a trace with more spans in a batch is a large one; what a small one has is
   *     searched one by one
   * @param heapBytes how many bytes of small traces are on the heap
   * @param movedTraces how many traces without parts are moved from the heap to keyed state at a
   *     checkpoint
   */
  record Limits(int packedBytes, int batchSpans, long heapBytes, int movedTraces)
      implements Serializable {

    /**
     * 8 KB is a trace of some three hundred spans. 64 MB is two million spans of open traces, an
     * eighth of the heap of a small task manager, and written within a tenth of a second at a
     * barrier. So are 10,000 values of their own.
     */
    static final Limits DEFAULT = new Limits(8 << 10, 300, 64L << 20, 10_000);
  }

  /** The value of a trace that is kept in entries. */
  private static final byte[] IN_ENTRIES = {};

  private final ValueStateDescriptor<byte[]> descriptor =
      new ValueStateDescriptor<>("trace", BytePrimitiveArraySerializer.INSTANCE);

  private final CheckpointableKeyedStateBackend<TraceKey> backend;
  private final Limits limits;
  private final PackedTrace small = new PackedTrace();
  private final LargeTraceState large;
  private final ValueState<byte[]> values;
  private final KeyGroupSnapshots snapshots;

  private final Map<TraceKey, TrackedTrace> traces = new HashMap<>();
  private final HeapTraces heap = new HeapTraces();
  private final TimingWheel wheel = new TimingWheel();

  private TrackedTrace open;

  TraceStore(
      KeyedStateStore store,
      CheckpointableKeyedStateBackend<TraceKey> backend,
      int maxParallelism,
      Limits limits) {
    this.backend = backend;
    this.limits = limits;
    large = new LargeTraceState(store);
    values = store.getState(descriptor);
    snapshots =
        new KeyGroupSnapshots(
            store, backend::setCurrentKey, backend.getKeyGroupRange(), maxParallelism);
  }

  /**
   * Finds the traces in restored state. Reads each small trace, and each segment of a large one.
   */
  void restore() throws Exception {
    backend.applyToAllKeys(
        VoidNamespace.INSTANCE,
        VoidNamespaceSerializer.INSTANCE,
        descriptor,
        (key, value) -> foundInKeyedState(key, value.value()));
    snapshots.read(this::foundOnHeap);
  }

  private void foundInKeyedState(TraceKey key, byte[] value) throws IOException {
    TrackedTrace trace = new TrackedTrace(key);
    trace.inKeyedState = true;
    traces.put(key, trace);
    if (value.length > 0) {
      setTimer(trace, value);
      return;
    }
    trace.large = true;
    large.begin();
    setLargeTimers(trace);
  }

  private void foundOnHeap(TraceKey key, byte[] packed) {
    TrackedTrace trace = traces.computeIfAbsent(key, TrackedTrace::new);
    heap.put(trace, packed);
    setTimer(trace, packed);
    makeRoom();
  }

  /** Writes the traces on the heap into keyed state. */
  void beforeSnapshot() throws IOException {
    moveRemembered();
    snapshots.write(heap);
  }

  /**
   * Moves traces that are only remembered from the heap to keyed state. Few of them are read again,
   * and a state backend that takes incremental checkpoints then uploads them once.
   */
  private void moveRemembered() {
    int[] left = {limits.movedTraces};
    heap.forEach(
        trace -> {
          if (trace.remembered && left[0] > 0) {
            left[0]--;
            moveToKeyedState(trace);
          }
        });
  }

  private void makeRoom() {
    while (heap.bytes() > limits.heapBytes) {
      moveToKeyedState(heap.oldest());
    }
  }

  private void moveToKeyedState(TrackedTrace trace) {
    byte[] packed = trace.packed;
    heap.remove(trace);
    putValue(trace, packed);
  }

  private void putValue(TrackedTrace trace, byte[] value) {
    backend.setCurrentKey(trace.key);
    trace.inKeyedState = true;
    try {
      values.update(value);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the state of the small trace that is open, whichever it is. */
  FoldState small() {
    return small;
  }

  /** Returns the state of the large trace that is open, whichever it is. */
  FoldState large() {
    return large;
  }

  /** Opens the trace of a batch, which may be new. Returns whether it is a large one. */
  boolean open(StoredTrace batch) throws IOException {
    TrackedTrace trace = traces.get(batch.trace());
    if (trace != null) {
      open(trace);
    } else {
      open = new TrackedTrace(batch.trace());
      small.clear();
    }
    if (!open.large && batch.spans().size() > limits.batchSpans) {
      enlarge(open);
      large.begin();
    }
    return open.large;
  }

  /** Opens a trace that is in state. Returns whether it is a large one. */
  boolean open(TrackedTrace trace) throws IOException {
    open = trace;
    if (trace.packed != null) {
      small.read(trace.packed);
      return false;
    }
    backend.setCurrentKey(trace.key);
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

  /**
   * Sets a timer for a segment of the open trace. That of a small trace has its segments' times.
   */
  void setTimer(long segment, long time) {
    if (open.large) {
      wheel.set(new SegmentTimer(open, segment), time);
    }
  }

  /** Keeps the changes of the open trace, and sets when it is due next. */
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
    } else {
      setEarlyTimer(trace);
    }
  }

  private void closeSmall(TrackedTrace trace) throws IOException {
    if (small.isEmpty()) {
      forget(trace);
      return;
    }
    if (!small.isChanged()) {
      wheel.set(trace, small.dueAt());
      return;
    }
    byte[] packed = small.write();
    if (packed.length > limits.packedBytes) {
      enlarge(trace);
      return;
    }
    traces.put(trace.key, trace);
    setTimer(trace, packed);
    heap.put(trace, packed);
    makeRoom();
  }

  private void enlarge(TrackedTrace trace) throws IOException {
    traces.put(trace.key, trace);
    heap.remove(trace);
    trace.large = true;
    trace.remembered = false;
    putValue(trace, IN_ENTRIES);
    large.begin();
    small.copyTo(large);
    large.save();
    setLargeTimers(trace);
  }

  private void setTimer(TrackedTrace trace, byte[] packed) {
    trace.remembered = PackedTrace.isRemembered(packed);
    wheel.set(trace, PackedTrace.dueAt(packed));
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
    traces.remove(trace.key);
    heap.remove(trace);
    if (trace.inKeyedState) {
      backend.setCurrentKey(trace.key);
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

  /** Returns how much of the heap the state of the small traces on it takes, roughly. */
  long heapBytes() {
    return heap.bytes();
  }
}

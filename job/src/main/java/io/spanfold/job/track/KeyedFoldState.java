package io.spanfold.job.track;

import io.spanfold.core.fold.EarlySpans;
import io.spanfold.core.fold.FoldState;
import io.spanfold.core.fold.Node;
import io.spanfold.core.fold.ReorderState;
import io.spanfold.core.fold.SegmentState;
import io.spanfold.core.fold.SliceState;
import io.spanfold.core.fold.WholeTrace;
import io.spanfold.job.serialization.Codec;
import io.spanfold.job.serialization.CodecSerializer;
import io.spanfold.job.serialization.EarlySpansCodec;
import io.spanfold.job.serialization.NodeCodec;
import io.spanfold.job.serialization.ReorderStateCodec;
import io.spanfold.job.serialization.SegmentStateCodec;
import io.spanfold.job.serialization.SliceStateCodec;
import io.spanfold.job.serialization.WholeTraceCodec;
import java.io.IOException;
import java.util.List;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.base.IntSerializer;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.api.common.typeutils.base.array.BytePrimitiveArraySerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.runtime.state.KeyedStateBackend;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.util.FlinkRuntimeException;

/**
 * The fold's state of the trace that is the current key. A trace of few spans is one value, which
 * is read and written once a batch; of a larger one each thing is an entry of its own, as what a
 * span costs must not grow with its trace. The names of the states are part of every savepoint. For
 * use by one thread, between {@link #begin} and {@link #save}.
 */
final class KeyedFoldState implements FoldState {

  /** What a trace of some three hundred spans takes. */
  static final int MAX_WHOLE_BYTES = 8 << 10;

  /** The value of a trace that is kept in entries. */
  private static final byte[] IN_ENTRIES = {};

  private static final MapStateDescriptor<Long, Node> NODES =
      new MapStateDescriptor<>(
          "nodes", LongSerializer.INSTANCE, new CodecSerializer<>(new NodeCodec()));

  private static final ValueStateDescriptor<byte[]> WHOLE =
      new ValueStateDescriptor<>("trace", BytePrimitiveArraySerializer.INSTANCE);

  private final WholeTraceCodec codec = new WholeTraceCodec();
  private final DataOutputSerializer out = new DataOutputSerializer(MAX_WHOLE_BYTES);
  private final DataInputDeserializer in = new DataInputDeserializer();

  private final int maxWholeBytes;
  private final ValueState<byte[]> whole;
  private final TraceEntries<Node> nodes;
  private final TraceEntries<SegmentState> segments;
  private final TraceEntries<SliceState> slices;
  private final TraceEntries<Integer> referenceCounts;
  private final TraceEntries<EarlySpans> ahead;
  private final ValueState<ReorderState> aheadEntry;

  private boolean saved;
  private boolean inEntries;
  private boolean changed;
  private boolean forgot;
  private ReorderState aheadState;

  /**
   * Makes the state.
   *
   * @param maxWholeBytes a trace that takes more is kept in entries from then on
   */
  KeyedFoldState(KeyedStateStore store, int maxWholeBytes) {
    this.maxWholeBytes = maxWholeBytes;
    whole = store.getState(WHOLE);
    nodes = new TraceEntries<>(store.getMapState(NODES));
    segments = entries(store, "segments", new SegmentStateCodec());
    slices = entries(store, "slices", new SliceStateCodec());
    referenceCounts =
        new TraceEntries<>(
            store.getMapState(
                new MapStateDescriptor<>(
                    "referenceCounts", LongSerializer.INSTANCE, IntSerializer.INSTANCE)));
    ahead = entries(store, "ahead", new EarlySpansCodec());
    aheadEntry =
        store.getState(
            new ValueStateDescriptor<>(
                "ahead-state", new CodecSerializer<>(new ReorderStateCodec())));
  }

  private static <T> TraceEntries<T> entries(KeyedStateStore store, String name, Codec<T> codec) {
    return new TraceEntries<>(
        store.getMapState(
            new MapStateDescriptor<>(name, LongSerializer.INSTANCE, new CodecSerializer<>(codec))));
  }

  /**
   * Tells of every trace of a savepoint that it is kept in entries: to be called once where the
   * savepoint is from before traces were kept in any other way.
   */
  static <K> void markAllInEntries(KeyedStateBackend<K> backend) throws Exception {
    ValueState<byte[]> whole =
        backend.getPartitionedState(
            VoidNamespace.INSTANCE, VoidNamespaceSerializer.INSTANCE, WHOLE);
    backend.applyToAllKeys(
        VoidNamespace.INSTANCE,
        VoidNamespaceSerializer.INSTANCE,
        NODES,
        (K trace, MapState<Long, Node> state) -> whole.update(IN_ENTRIES));
  }

  /** Begins with the current key. */
  void begin() {
    byte[] bytes = read();
    saved = bytes != null;
    inEntries = saved && bytes.length == 0;
    changed = false;
    forgot = false;
    if (inEntries) {
      nodes.begin();
      segments.begin();
      slices.begin();
      referenceCounts.begin();
      ahead.begin();
      aheadState = readAheadEntry();
      return;
    }
    WholeTrace trace = saved ? decode(bytes) : WholeTrace.EMPTY;
    nodes.beginWhole(trace.nodes());
    segments.beginWhole(trace.segments());
    slices.beginWhole(trace.slices());
    referenceCounts.beginWhole(trace.referenceCounts());
    ahead.beginWhole(trace.ahead());
    aheadState = trace.aheadState();
  }

  /** Writes what has changed of the current key into state. */
  void save() {
    if (!changed) {
      return;
    }
    if (inEntries) {
      saveEntries();
      if (forgot && areAllEntriesGone()) {
        whole.clear();
      }
      return;
    }
    WholeTrace trace =
        new WholeTrace(
            nodes.all(),
            segments.all(),
            slices.all(),
            referenceCounts.all(),
            ahead.all(),
            aheadState);
    if (trace.isEmpty()) {
      if (saved) {
        whole.clear();
      }
      return;
    }
    byte[] bytes = encode(trace);
    if (bytes.length > maxWholeBytes) {
      saveEntries();
      bytes = IN_ENTRIES;
    }
    write(bytes);
  }

  private void saveEntries() {
    nodes.writeBack();
    segments.writeBack();
    slices.writeBack();
    referenceCounts.writeBack();
    ahead.writeBack();
    try {
      aheadEntry.update(aheadState);
    } catch (IOException e) {
      throw new FlinkRuntimeException("cannot write the state of a trace", e);
    }
  }

  private boolean areAllEntriesGone() {
    return aheadState == null
        && segments.isEmptyInState()
        && nodes.isEmptyInState()
        && slices.isEmptyInState()
        && referenceCounts.isEmptyInState()
        && ahead.isEmptyInState();
  }

  private byte[] encode(WholeTrace trace) {
    try {
      out.clear();
      out.writeByte(codec.version());
      codec.write(trace, out);
      return out.getCopyOfBuffer();
    } catch (IOException e) {
      throw new FlinkRuntimeException("cannot write the state of a trace", e);
    }
  }

  private WholeTrace decode(byte[] bytes) {
    try {
      in.setBuffer(bytes);
      return codec.read(in.readByte(), in);
    } catch (IOException e) {
      throw new FlinkRuntimeException("cannot read the state of a trace", e);
    }
  }

  private byte[] read() {
    try {
      return whole.value();
    } catch (IOException e) {
      throw new FlinkRuntimeException("cannot read the state of a trace", e);
    }
  }

  private void write(byte[] bytes) {
    try {
      whole.update(bytes);
    } catch (IOException e) {
      throw new FlinkRuntimeException("cannot write the state of a trace", e);
    }
  }

  private ReorderState readAheadEntry() {
    try {
      return aheadEntry.value();
    } catch (IOException e) {
      throw new FlinkRuntimeException("cannot read the state of a trace", e);
    }
  }

  @Override
  public Node node(long spanId) {
    return nodes.get(spanId);
  }

  @Override
  public void putNode(long spanId, Node node) {
    changed = true;
    nodes.put(spanId, node);
  }

  @Override
  public void removeNode(long spanId) {
    changed = true;
    forgot = true;
    nodes.put(spanId, null);
  }

  @Override
  public SegmentState segment(long id) {
    return segments.get(id);
  }

  @Override
  public void putSegment(long id, SegmentState segment) {
    changed = true;
    segments.put(id, segment);
  }

  @Override
  public void removeSegment(long id) {
    changed = true;
    segments.put(id, null);
  }

  @Override
  public SliceState slice(long key) {
    return slices.get(key);
  }

  @Override
  public void putSlice(long key, SliceState slice) {
    changed = true;
    slices.put(key, slice);
  }

  @Override
  public void removeSlice(long key) {
    changed = true;
    slices.put(key, null);
  }

  @Override
  public Integer referenceCounts(long subsegmentId) {
    return referenceCounts.get(subsegmentId);
  }

  @Override
  public void putReferenceCounts(long subsegmentId, int count) {
    changed = true;
    referenceCounts.put(subsegmentId, count);
  }

  @Override
  public void removeReferenceCounts(long subsegmentId) {
    changed = true;
    referenceCounts.put(subsegmentId, null);
  }

  @Override
  public ReorderState ahead() {
    return aheadState;
  }

  @Override
  public void putAhead(ReorderState waiting) {
    changed = true;
    aheadState = waiting;
  }

  @Override
  public List<EarlySpans> takeAhead() {
    changed = true;
    aheadState = null;
    return List.copyOf(ahead.takeAll().values());
  }

  @Override
  public void putAhead(EarlySpans spans) {
    changed = true;
    ahead.put(spans.subsegment().id(), spans);
  }
}

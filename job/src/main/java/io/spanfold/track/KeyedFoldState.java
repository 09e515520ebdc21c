package io.spanfold.track;

import io.spanfold.codec.AheadStateCodec;
import io.spanfold.codec.Codec;
import io.spanfold.codec.CodecSerializer;
import io.spanfold.codec.NodeCodec;
import io.spanfold.codec.SegmentStateCodec;
import io.spanfold.codec.SliceStateCodec;
import io.spanfold.codec.SpansAheadCodec;
import io.spanfold.fold.AheadState;
import io.spanfold.fold.FoldState;
import io.spanfold.fold.Node;
import io.spanfold.fold.SegmentState;
import io.spanfold.fold.SliceState;
import io.spanfold.fold.SpansAhead;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.base.IntSerializer;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.util.FlinkRuntimeException;

/**
 * The fold's state of the trace that is the current key. The names of the states are part of every
 * savepoint.
 */
final class KeyedFoldState implements FoldState {

  private final MapState<Long, Node> nodes;
  private final MapState<Long, SegmentState> segments;
  private final MapState<Long, SliceState> slices;
  private final MapState<Long, Integer> sharers;
  private final MapState<Long, SpansAhead> ahead;
  private final ValueState<AheadState> aheadState;

  KeyedFoldState(KeyedStateStore store) {
    nodes = store.getMapState(descriptor("nodes", new NodeCodec()));
    segments = store.getMapState(descriptor("segments", new SegmentStateCodec()));
    slices = store.getMapState(descriptor("slices", new SliceStateCodec()));
    sharers =
        store.getMapState(
            new MapStateDescriptor<>("sharers", LongSerializer.INSTANCE, IntSerializer.INSTANCE));
    ahead = store.getMapState(descriptor("ahead", new SpansAheadCodec()));
    aheadState =
        store.getState(
            new ValueStateDescriptor<>(
                "ahead-state", new CodecSerializer<>(new AheadStateCodec())));
  }

  private static <T> MapStateDescriptor<Long, T> descriptor(String name, Codec<T> codec) {
    return new MapStateDescriptor<>(name, LongSerializer.INSTANCE, new CodecSerializer<>(codec));
  }

  @Override
  public Node node(long spanId) {
    return get(nodes, spanId);
  }

  @Override
  public void putNode(long spanId, Node node) {
    put(nodes, spanId, node);
  }

  @Override
  public void removeNode(long spanId) {
    remove(nodes, spanId);
  }

  @Override
  public SegmentState segment(long id) {
    return get(segments, id);
  }

  @Override
  public void putSegment(long id, SegmentState segment) {
    put(segments, id, segment);
  }

  @Override
  public void removeSegment(long id) {
    remove(segments, id);
  }

  @Override
  public SliceState slice(long key) {
    return get(slices, key);
  }

  @Override
  public void putSlice(long key, SliceState slice) {
    put(slices, key, slice);
  }

  @Override
  public void removeSlice(long key) {
    remove(slices, key);
  }

  @Override
  public Integer sharers(long subsegmentId) {
    return get(sharers, subsegmentId);
  }

  @Override
  public void putSharers(long subsegmentId, int count) {
    put(sharers, subsegmentId, count);
  }

  @Override
  public void removeSharers(long subsegmentId) {
    remove(sharers, subsegmentId);
  }

  @Override
  public AheadState ahead() {
    try {
      return aheadState.value();
    } catch (IOException e) {
      throw new FlinkRuntimeException("cannot read the state of a trace", e);
    }
  }

  @Override
  public void putAhead(AheadState waiting) {
    try {
      aheadState.update(waiting);
    } catch (IOException e) {
      throw new FlinkRuntimeException("cannot write the state of a trace", e);
    }
  }

  @Override
  public List<SpansAhead> takeAhead() {
    try {
      aheadState.clear();
      List<SpansAhead> all = new ArrayList<>();
      ahead.values().forEach(all::add);
      ahead.clear();
      return all;
    } catch (Exception e) {
      throw new FlinkRuntimeException("cannot take the state of a trace", e);
    }
  }

  @Override
  public void putAhead(SpansAhead spans) {
    put(ahead, spans.subsegment().id(), spans);
  }

  private static <T> T get(MapState<Long, T> state, long key) {
    try {
      return state.get(key);
    } catch (Exception e) {
      throw new FlinkRuntimeException("cannot read the state of a trace", e);
    }
  }

  private static <T> void put(MapState<Long, T> state, long key, T value) {
    try {
      state.put(key, value);
    } catch (Exception e) {
      throw new FlinkRuntimeException("cannot write the state of a trace", e);
    }
  }

  private static void remove(MapState<Long, ?> state, long key) {
    try {
      state.remove(key);
    } catch (Exception e) {
      throw new FlinkRuntimeException("cannot write the state of a trace", e);
    }
  }
}

package io.spanfold.buffer.layout;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.payload.SpanFrames;
import java.util.List;

/**
 * A way to keep payloads in Redis. A layout has its own commands, or the scripts of the index keep
 * its payloads.
 */
public interface PayloadLayout {

  /**
   * A requested payload.
   *
   * @param index which one of the request it is
   */
  record Wanted(int index, TraceKey trace, Subsegment subsegment) {}

  /** Receives payloads. */
  @FunctionalInterface
  interface Receiver {

    /**
     * A payload that was found. It is not kept, so that few are in memory at once.
     *
     * @param wanted the requested subsegments that it holds
     * @param stored the payload in stored form
     */
    void found(List<Wanted> wanted, byte[] stored);
  }

  /**
   * Returns the bit of this layout in {@link Subsegment#layouts()}. It is part of the format of
   * savepoints.
   */
  int bit();

  /**
   * Returns the commands that store payloads; none if {@code add-large} stores them.
   *
   * @param shares of each trace one, which are to be written in this layout
   */
  default List<RedisCommand<?>> store(List<StoredShare> shares) {
    return List.of();
  }

  /**
   * Reads payloads. Of what Redis does not have, nothing is received.
   *
   * @throws StoreException if Redis does not answer
   */
  void load(List<Wanted> wanted, Receiver receiver);

  /** Returns where the frames of {@code subsegment} begin in its payload, before compression. */
  default int offset(Subsegment subsegment) {
    return 0;
  }

  /** Returns the most bytes that the payload with {@code subsegment} has before compression. */
  default long maxBytes(Subsegment subsegment) {
    return SpanFrames.length(subsegment.spanCount(), subsegment.recordBytes());
  }

  /**
   * Returns the commands that remove the payload of a subsegment; none if the scripts of the index
   * remove it, or decide when it can be removed.
   */
  default List<RedisCommand<?>> remove(TraceKey trace, Subsegment subsegment) {
    return List.of();
  }

  /** Returns whether {@code subsegment} may be in this layout. */
  default boolean holds(Subsegment subsegment) {
    return (subsegment.layouts() & bit()) != 0;
  }
}

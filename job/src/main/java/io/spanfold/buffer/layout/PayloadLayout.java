package io.spanfold.buffer.layout;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.util.List;

/**
 * A way to keep payloads in Redis. A layout has commands of its own, or has the index's scripts do
 * its work along with theirs, or both.
 */
public interface PayloadLayout {

  /** A payload that is asked for. */
  record Wanted(TraceKey trace, Subsegment subsegment) {}

  /**
   * Returns the bit that stands for this layout in {@link Subsegment#layouts()}. It is part of the
   * state's format.
   */
  int bit();

  /**
   * Returns the commands that store a payload, to be sent before {@code add-subsegments}; none
   * where that files it.
   */
  default List<RedisCommand<?>> store(TraceKey trace, Subsegment subsegment, byte[] stored) {
    return List.of();
  }

  /**
   * Reads payloads.
   *
   * @return what is stored of each, in the same order; null where there is none
   * @throws StoreException where Redis could not be asked
   */
  List<byte[]> load(List<Wanted> wanted);

  /**
   * Returns the commands that remove a payload; what {@code add-subsegments} filed is removed by
   * {@code finish-flush}.
   */
  default List<RedisCommand<?>> remove(TraceKey trace, Subsegment subsegment) {
    return List.of();
  }

  /** Returns whether the layout is one of those that {@code subsegment} may be in. */
  default boolean holds(Subsegment subsegment) {
    return (subsegment.layouts() & bit()) != 0;
  }
}

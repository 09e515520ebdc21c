package io.spanfold.buffer.layout;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.util.List;

/**
 * A way to keep payloads in Redis. A layout has its own commands, or the scripts of the index keep
 * its payloads.
 */
public interface PayloadLayout {

  /** A requested payload. */
  record Wanted(TraceKey trace, Subsegment subsegment) {}

  /**
   * Returns the bit of this layout in {@link Subsegment#layouts()}. It is part of the format of
   * savepoints.
   */
  int bit();

  /**
   * Returns the commands that store a payload, to be sent before {@code add-subsegments}; none if
   * that script stores it.
   */
  default List<RedisCommand<?>> store(TraceKey trace, Subsegment subsegment, byte[] stored) {
    return List.of();
  }

  /**
   * Reads payloads.
   *
   * @return the stored forms in the same order; null if there is none
   * @throws StoreException if Redis does not answer
   */
  List<byte[]> load(List<Wanted> wanted);

  /** Returns the commands that remove a payload; none if {@code finish-flush} removes it. */
  default List<RedisCommand<?>> remove(TraceKey trace, Subsegment subsegment) {
    return List.of();
  }

  /** Returns whether {@code subsegment} may be in this layout. */
  default boolean holds(Subsegment subsegment) {
    return (subsegment.layouts() & bit()) != 0;
  }
}

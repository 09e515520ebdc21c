package io.spanfold.store;

import io.spanfold.model.Subsegment;
import io.spanfold.model.TraceKey;

/** A way to keep payloads in Redis. Chosen once, when the store is made. */
interface PayloadLayout {

  /**
   * Returns the bit that stands for this layout in {@link Subsegment#layouts()}. It is part of the
   * state's format.
   */
  int bit();

  /** Returns the command that stores a payload. */
  RedisCommand<String> store(TraceKey trace, Subsegment subsegment, byte[] stored);

  /** Returns the command that reads a payload: null where there is none. */
  RedisCommand<byte[]> load(TraceKey trace, Subsegment subsegment);

  /** Returns the command that removes a payload. */
  RedisCommand<Long> remove(TraceKey trace, Subsegment subsegment);
}

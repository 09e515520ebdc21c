package io.spanfold.job.serialization;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * The written form of a type, in state and between operators. A codec is stateless and thread-safe.
 * It writes no version: {@link StateType} has it, and a savepoint holds it once a state.
 *
 * <p>Codecs use one another, and pass the version on as it is. {@link StateType} says how that
 * stays right when an inner form changes.
 *
 * @param <T> the type
 */
public interface Codec<T> {

  /** Writes {@code value} in the current form. */
  void write(T value, DataOutput out) throws IOException;

  /**
   * Reads a value.
   *
   * @param version the version of the state that the value is part of
   */
  T read(int version, DataInput in) throws IOException;
}

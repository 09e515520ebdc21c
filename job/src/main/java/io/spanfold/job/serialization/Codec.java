package io.spanfold.job.serialization;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.io.Serializable;

/**
 * How values of a type are written and read, in state and between operators. Codecs are stateless,
 * and are found again from a savepoint by the name of their class, which must therefore stay what
 * it is and have a public constructor without arguments.
 *
 * <p>To change what is written, raise {@link #version()} and keep reading the older versions.
 *
 * <p>A codec that uses another writes no version of it: when the inner one's is raised, its own is
 * raised too, and each of its versions reads the inner form that belonged to it.
 *
 * @param <T> the type
 */
public interface Codec<T> extends Serializable {

  /** Returns the version of the form that {@link #write} writes, from 1. */
  int version();

  /** Writes {@code value} in the current form. */
  void write(T value, DataOutput out) throws IOException;

  /**
   * Reads a value.
   *
   * @param version the form it was written in, at most {@link #version()}
   */
  T read(int version, DataInput in) throws IOException;
}

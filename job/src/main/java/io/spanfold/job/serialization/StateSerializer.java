package io.spanfold.job.serialization;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * The serializer of a {@link StateType}. It writes the current form, and reads the form of the
 * version that it was made for. Values are immutable, so they are passed on, not copied.
 *
 * @param <T> the type
 */
final class StateSerializer<T> extends TypeSerializer<T> {

  private static final long serialVersionUID = 1L;

  private final StateType<T> type;
  private final int readVersion;

  StateSerializer(StateType<T> type, int readVersion) {
    this.type = type;
    this.readVersion = readVersion;
  }

  @Override
  public boolean isImmutableType() {
    return true;
  }

  @Override
  public TypeSerializer<T> duplicate() {
    return this;
  }

  @Override
  public T createInstance() {
    return null;
  }

  @Override
  public T copy(T from) {
    return from;
  }

  @Override
  public T copy(T from, T reuse) {
    return from;
  }

  @Override
  public int getLength() {
    return -1;
  }

  @Override
  public void serialize(T value, DataOutputView target) throws IOException {
    type.write(value, target);
  }

  @Override
  public T deserialize(DataInputView source) throws IOException {
    return type.read(readVersion, source);
  }

  @Override
  public T deserialize(T reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof StateSerializer<?> that
        && that.type.equals(type)
        && that.readVersion == readVersion;
  }

  @Override
  public int hashCode() {
    return type.hashCode() * 31 + readVersion;
  }

  @Override
  public TypeSerializerSnapshot<T> snapshotConfiguration() {
    return new StateSerializerSnapshot<>(type, type.version());
  }
}

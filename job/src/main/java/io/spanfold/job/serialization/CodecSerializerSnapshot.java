package io.spanfold.job.serialization;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * What a savepoint remembers of a {@link CodecSerializer}: which codec, in which version. State of
 * an older version is migrated, state of a newer one is refused.
 *
 * @param <T> the type
 */
public final class CodecSerializerSnapshot<T> implements TypeSerializerSnapshot<T> {

  private static final int FORMAT = 1;

  private Codec<T> codec;
  private int version;

  /** For Flink, which reads the rest with {@link #readSnapshot}. */
  public CodecSerializerSnapshot() {}

  CodecSerializerSnapshot(Codec<T> codec, int version) {
    this.codec = codec;
    this.version = version;
  }

  @Override
  public int getCurrentVersion() {
    return FORMAT;
  }

  @Override
  public void writeSnapshot(DataOutputView out) throws IOException {
    out.writeUTF(codec.getClass().getName());
    out.writeInt(version);
  }

  @Override
  @SuppressWarnings("unchecked")
  public void readSnapshot(int format, DataInputView in, ClassLoader classLoader)
      throws IOException {
    String name = in.readUTF();
    version = in.readInt();
    try {
      codec =
          (Codec<T>)
              Class.forName(name, true, classLoader)
                  .asSubclass(Codec.class)
                  .getConstructor()
                  .newInstance();
    } catch (ReflectiveOperationException | ClassCastException e) {
      throw new IOException(
          "The state was written with the codec " + name + ", which this version lacks.", e);
    }
  }

  @Override
  public TypeSerializer<T> restoreSerializer() {
    return new CodecSerializer<>(codec, version);
  }

  @Override
  public TypeSerializerSchemaCompatibility<T> resolveSchemaCompatibility(
      TypeSerializerSnapshot<T> old) {
    if (!(old instanceof CodecSerializerSnapshot<T> before)
        || before.codec.getClass() != codec.getClass()
        || before.version > version) {
      return TypeSerializerSchemaCompatibility.incompatible();
    }
    return before.version == version
        ? TypeSerializerSchemaCompatibility.compatibleAsIs()
        : TypeSerializerSchemaCompatibility.compatibleAfterMigration();
  }
}

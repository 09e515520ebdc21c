package io.spanfold.job.serialization;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.core.model.TraceKey;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

class CodecSerializerSnapshotTest {

  /** Once wrote four bytes, now writes eight. */
  public static final class Widened implements Codec<Long> {
    private static final long serialVersionUID = 1L;

    @Override
    public int version() {
      return 2;
    }

    @Override
    public void write(Long value, DataOutput out) throws IOException {
      out.writeLong(value);
    }

    @Override
    public Long read(int version, DataInput in) throws IOException {
      return version == 1 ? in.readInt() : in.readLong();
    }
  }

  /** Writes longs too, but is not the same codec. */
  public static final class Other implements Codec<Long> {
    private static final long serialVersionUID = 1L;

    @Override
    public int version() {
      return 2;
    }

    @Override
    public void write(Long value, DataOutput out) throws IOException {
      out.writeLong(~value);
    }

    @Override
    public Long read(int version, DataInput in) throws IOException {
      return ~in.readLong();
    }
  }

  @Test
  void takesStateOfItsOwnVersionAsItIs() throws IOException {
    assertThat(resolve(saved(new Widened(), 2)).isCompatibleAsIs()).isTrue();
  }

  @Test
  void takesStateOfAnOlderVersionAfterMigration() throws IOException {
    assertThat(resolve(saved(new Widened(), 1)).isCompatibleAfterMigration()).isTrue();
  }

  @Test
  void refusesStateOfANewerVersion() throws IOException {
    assertThat(resolve(saved(new Widened(), 3)).isIncompatible()).isTrue();
  }

  @Test
  void refusesStateOfAnotherCodec() throws IOException {
    assertThat(resolve(saved(new Other(), 2)).isIncompatible()).isTrue();
  }

  @Test
  void readsOldStateAsItWasWrittenThenAndWritesItAsNow() throws IOException {
    TypeSerializer<Long> restored = saved(new Widened(), 1).restoreSerializer();
    DataOutputSerializer old = new DataOutputSerializer(8);
    old.writeInt(-5);
    DataOutputSerializer migrated = new DataOutputSerializer(8);

    restored.copy(new DataInputDeserializer(old.getCopyOfBuffer()), migrated);

    TypeSerializer<Long> now = new CodecSerializer<>(new Widened());
    assertThat(migrated.length()).isEqualTo(8);
    assertThat(now.deserialize(new DataInputDeserializer(migrated.getCopyOfBuffer())))
        .isEqualTo(-5);
  }

  @Test
  void findsTheCodecByTheNameOfItsClass() throws IOException {
    TypeSerializerSnapshot<TraceKey> saved =
        throughASavepoint(new CodecSerializer<>(new TraceKeyCodec()).snapshotConfiguration());

    assertThat(saved.restoreSerializer()).isEqualTo(new CodecSerializer<>(new TraceKeyCodec()));
  }

  @Test
  void namesTheCodecThatIsMissing() throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64);
    out.writeUTF("io.spanfold.codec.GoneCodec");
    out.writeInt(1);
    DataInputDeserializer in = new DataInputDeserializer(out.getCopyOfBuffer());

    assertThatThrownBy(
            () ->
                new CodecSerializerSnapshot<Long>()
                    .readSnapshot(1, in, getClass().getClassLoader()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("io.spanfold.codec.GoneCodec");
  }

  private static TypeSerializerSchemaCompatibility<Long> resolve(TypeSerializerSnapshot<Long> old) {
    return new CodecSerializer<>(new Widened())
        .snapshotConfiguration()
        .resolveSchemaCompatibility(old);
  }

  private static TypeSerializerSnapshot<Long> saved(Codec<Long> codec, int version)
      throws IOException {
    return throughASavepoint(new CodecSerializerSnapshot<>(codec, version));
  }

  private static <T> TypeSerializerSnapshot<T> throughASavepoint(TypeSerializerSnapshot<T> snapshot)
      throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64);
    TypeSerializerSnapshot.writeVersionedSnapshot(out, snapshot);
    return TypeSerializerSnapshot.readVersionedSnapshot(
        new DataInputDeserializer(out.getCopyOfBuffer()),
        CodecSerializerSnapshotTest.class.getClassLoader());
  }
}

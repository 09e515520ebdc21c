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
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;

class StateSerializerSnapshotTest {

  /** Once wrote four bytes, now writes eight. */
  private static final class Widened implements Codec<Long> {

    @Override
    public void write(Long value, DataOutput out) throws IOException {
      out.writeLong(value);
    }

    @Override
    public Long read(int version, DataInput in) throws IOException {
      return version == 1 ? in.readInt() : in.readLong();
    }
  }

  private static final StateType<Long> WIDENED =
      new StateType<>("widened", 2, Long.class, new Widened());
  private static final StateType<Long> OTHER =
      new StateType<>("other", 2, Long.class, new Widened());

  /** Every savepoint holds this name. If this fails, give the class its name back. */
  @Test
  void theNameThatSavepointsHoldIsFrozen() {
    assertThat(StateType.TRACE_KEY.serializer().snapshotConfiguration().getClass().getName())
        .isEqualTo("io.spanfold.job.serialization.StateSerializerSnapshot");
  }

  @Test
  void writesTheIdAndVersionOfTheType() throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64);
    StateSerializerSnapshot<Long> snapshot = new StateSerializerSnapshot<>(WIDENED, 2);
    snapshot.writeSnapshot(out);
    DataInputDeserializer in = new DataInputDeserializer(out.getCopyOfBuffer());

    assertThat(snapshot.getCurrentVersion()).isEqualTo(1);
    assertThat(in.readUTF()).isEqualTo("widened");
    assertThat(in.readInt()).isEqualTo(2);
    assertThat(in.available()).isZero();
  }

  @Test
  void findsTheTypeInTheTable() throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64);
    TypeSerializerSnapshot.writeVersionedSnapshot(
        out, StateType.TRACE_KEY.serializer().snapshotConfiguration());

    TypeSerializerSnapshot<TraceKey> read =
        TypeSerializerSnapshot.readVersionedSnapshot(
            new DataInputDeserializer(out.getCopyOfBuffer()), getClass().getClassLoader());

    assertThat(read.restoreSerializer()).isEqualTo(StateType.TRACE_KEY.serializer());
  }

  @Test
  void takesStateOfItsOwnVersionAsItIs() {
    assertThat(resolve(new StateSerializerSnapshot<>(WIDENED, 2)).isCompatibleAsIs()).isTrue();
  }

  @Test
  void takesStateOfAnOlderVersionAfterMigration() {
    assertThat(resolve(new StateSerializerSnapshot<>(WIDENED, 1)).isCompatibleAfterMigration())
        .isTrue();
  }

  @Test
  void refusesStateOfAnotherType() {
    assertThat(resolve(new StateSerializerSnapshot<>(OTHER, 2)).isIncompatible()).isTrue();
  }

  @Test
  void refusesStateOfANewerVersionOrOfATypeThatItDoesNotKnow() {
    assertThatThrownBy(() -> read("trace-key", 2))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("state of type trace-key, version 2")
        .hasMessageContaining("restore it with the release that took it, or a newer one");
    assertThatThrownBy(() -> read("not-yet", 1))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("state of type not-yet, version 1");
  }

  @Test
  void refusesAValueOfANewerVersion() {
    assertThatThrownBy(
            () -> StateType.WHOLE_TRACE.read(2, new DataInputDeserializer(new byte[] {0})))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("state of type whole-trace, version 2");
  }

  @Test
  void readsOldStateAsItWasWrittenThenAndWritesItAsNow() throws IOException {
    TypeSerializer<Long> restored = new StateSerializerSnapshot<>(WIDENED, 1).restoreSerializer();
    DataOutputSerializer old = new DataOutputSerializer(8);
    old.writeInt(-5);
    DataOutputSerializer migrated = new DataOutputSerializer(8);

    restored.copy(new DataInputDeserializer(old.getCopyOfBuffer()), migrated);

    assertThat(migrated.length()).isEqualTo(8);
    assertThat(
            WIDENED.serializer().deserialize(new DataInputDeserializer(migrated.getCopyOfBuffer())))
        .isEqualTo(-5);
  }

  @Test
  void typesAndSerializersTravelToTheTaskManagers() throws Exception {
    assertThat(InstantiationUtil.clone(StateType.TRACE_KEY)).isSameAs(StateType.TRACE_KEY);
    assertThat(InstantiationUtil.clone(StateType.TRACE_KEY.serializer()))
        .isEqualTo(StateType.TRACE_KEY.serializer());
  }

  private static TypeSerializerSchemaCompatibility<Long> resolve(TypeSerializerSnapshot<Long> old) {
    return WIDENED.serializer().snapshotConfiguration().resolveSchemaCompatibility(old);
  }

  private void read(String id, int version) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64);
    out.writeUTF(id);
    out.writeInt(version);
    new StateSerializerSnapshot<>()
        .readSnapshot(
            1, new DataInputDeserializer(out.getCopyOfBuffer()), getClass().getClassLoader());
  }
}

package io.spanfold.job.serialization;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * What a savepoint holds of a {@link StateSerializer}: the id and version of its {@link StateType}.
 * State of a lower version is migrated; state of a higher one, or of an unknown type, is refused.
 *
 * <p><b>The name of this class is frozen.</b> Flink writes it into every savepoint and loads it by
 * this name, and no savepoint could be restored if it were another. It is the only class of ours
 * whose name is written.
 *
 * @param <T> the type
 */
public final class StateSerializerSnapshot<T> implements TypeSerializerSnapshot<T> {

  private static final int FORMAT = 1;

  private StateType<T> type;
  private int version;

  /** For Flink, which calls {@link #readSnapshot} next. */
  public StateSerializerSnapshot() {}

  StateSerializerSnapshot(StateType<T> type, int version) {
    this.type = type;
    this.version = version;
  }

  @Override
  public int getCurrentVersion() {
    return FORMAT;
  }

  @Override
  public void writeSnapshot(DataOutputView out) throws IOException {
    out.writeUTF(type.id());
    out.writeInt(version);
  }

  @Override
  @SuppressWarnings("unchecked")
  public void readSnapshot(int format, DataInputView in, ClassLoader classLoader)
      throws IOException {
    String id = in.readUTF();
    version = in.readInt();
    type = (StateType<T>) StateType.of(id);
    if (type == null || version > type.version()) {
      throw StateType.newer(id, version);
    }
  }

  @Override
  public TypeSerializer<T> restoreSerializer() {
    return new StateSerializer<>(type, version);
  }

  @Override
  public TypeSerializerSchemaCompatibility<T> resolveSchemaCompatibility(
      TypeSerializerSnapshot<T> old) {
    if (!(old instanceof StateSerializerSnapshot<T> before) || !before.type.equals(type)) {
      return TypeSerializerSchemaCompatibility.incompatible();
    }
    return before.version == version
        ? TypeSerializerSchemaCompatibility.compatibleAsIs()
        : TypeSerializerSchemaCompatibility.compatibleAfterMigration();
  }
}

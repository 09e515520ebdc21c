package io.spanfold.job.serialization;

import io.spanfold.core.fold.EarlySpans;
import io.spanfold.core.fold.Node;
import io.spanfold.core.fold.ReorderState;
import io.spanfold.core.fold.SegmentState;
import io.spanfold.core.fold.SliceState;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Reject;
import io.spanfold.core.model.SourceRecord;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.TraceKey;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Collection;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;

/**
 * The table of all types that are written to state or sent between operators: each with the id by
 * which savepoints know it, the version of its form, and its codec. Classes and codecs can be moved
 * and renamed; an id stays, and is never given to another type.
 *
 * <p>To change the form of a type:
 *
 * <ol>
 *   <li>Raise its version here, and that of every type whose form contains it, all to the same
 *       number: the highest in the table plus one. So a codec can pass the version on to the codecs
 *       that it uses, and these know which of their forms is meant.
 *   <li>Make its codec read the former form if the version is lower.
 *   <li>Add the new form to {@code state-formats.txt}; {@code StateFormatsTest} fails until that is
 *       done, for every type that has changed, and checks that former forms are still read.
 * </ol>
 *
 * <p>Flink cannot migrate keys: {@link #TRACE_KEY} never changes.
 *
 * @param <T> the type
 */
public final class StateType<T> extends TypeInformation<T> {

  private static final long serialVersionUID = 1L;

  private static final Map<String, StateType<?>> TABLE = new TreeMap<>();

  public static final StateType<TraceKey> TRACE_KEY =
      register("trace-key", 1, TraceKey.class, new TraceKeyCodec());
  public static final StateType<SourceRecord> SOURCE_RECORD =
      register("source-record", 1, SourceRecord.class, new SourceRecordCodec());
  public static final StateType<Span> SPAN = register("span", 1, Span.class, new SpanCodec());
  public static final StateType<SpanBatch> SPAN_BATCH =
      register("span-batch", 1, SpanBatch.class, new SpanBatchCodec());
  public static final StateType<StoredTrace> STORED_TRACE =
      register("stored-trace", 1, StoredTrace.class, new StoredTraceCodec());
  public static final StateType<FlushRequest> FLUSH_REQUEST =
      register("flush-request", 1, FlushRequest.class, new FlushRequestCodec());
  public static final StateType<FlushedPart> FLUSHED_PART =
      register("flushed-part", 1, FlushedPart.class, new FlushedPartCodec());
  public static final StateType<Receipt> RECEIPT =
      register("receipt", 1, Receipt.class, new ReceiptCodec());
  public static final StateType<Reject> REJECT =
      register("reject", 1, Reject.class, new RejectCodec());

  /** A small trace: a value of bytes that begins with the version. */
  public static final StateType<PackedTrace> WHOLE_TRACE =
      register("whole-trace", 1, PackedTrace.class, new PackedTraceCodec());

  public static final StateType<Node> NODE = register("node", 1, Node.class, new NodeCodec());
  public static final StateType<SegmentState> SEGMENT =
      register("segment", 1, SegmentState.class, new SegmentStateCodec());
  public static final StateType<SliceState> SLICE =
      register("slice", 1, SliceState.class, new SliceStateCodec());
  public static final StateType<EarlySpans> EARLY_SPANS =
      register("early-spans", 1, EarlySpans.class, new EarlySpansCodec());
  public static final StateType<ReorderState> REORDER =
      register("reorder", 1, ReorderState.class, new ReorderStateCodec());

  private final String id;
  private final transient int version;
  private final transient Class<T> type;
  private final transient Codec<T> codec;

  StateType(String id, int version, Class<T> type, Codec<T> codec) {
    this.id = id;
    this.version = version;
    this.type = type;
    this.codec = codec;
  }

  private static <T> StateType<T> register(String id, int version, Class<T> type, Codec<T> codec) {
    StateType<T> entry = new StateType<>(id, version, type, codec);
    if (TABLE.put(id, entry) != null) {
      throw new IllegalStateException("two types have the id " + id);
    }
    return entry;
  }

  /** Returns the type with {@code id}, or null. */
  static StateType<?> of(String id) {
    return TABLE.get(id);
  }

  static Collection<StateType<?>> all() {
    return Collections.unmodifiableCollection(TABLE.values());
  }

  public String id() {
    return id;
  }

  /** Returns the version of the form that the codec writes, from 1. */
  public int version() {
    return version;
  }

  /** Writes {@code value} in the current form, without its version. */
  public void write(T value, DataOutput out) throws IOException {
    codec.write(value, out);
  }

  /**
   * Reads a value that was written in {@code version}.
   *
   * @throws IOException if a newer release wrote it
   */
  public T read(int version, DataInput in) throws IOException {
    if (version > this.version) {
      throw newer(id, version);
    }
    return codec.read(version, in);
  }

  static IOException newer(String id, int version) {
    return new IOException(
        ("The savepoint holds state of type %s, version %d, which this release cannot read; restore"
                + " it with the release that took it, or a newer one.")
            .formatted(id, version));
  }

  public TypeSerializer<T> serializer() {
    return new StateSerializer<>(this, version);
  }

  /** The table of the reader has the rest. */
  private Object readResolve() {
    return of(id);
  }

  @Override
  public TypeSerializer<T> createSerializer(SerializerConfig config) {
    return serializer();
  }

  @Override
  public Class<T> getTypeClass() {
    return type;
  }

  @Override
  public boolean isBasicType() {
    return false;
  }

  @Override
  public boolean isTupleType() {
    return false;
  }

  @Override
  public boolean isKeyType() {
    return true;
  }

  @Override
  public int getArity() {
    return 1;
  }

  @Override
  public int getTotalFields() {
    return 1;
  }

  @Override
  public String toString() {
    return id;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof StateType<?> that && that.id.equals(id);
  }

  @Override
  public int hashCode() {
    return id.hashCode();
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof StateType;
  }
}

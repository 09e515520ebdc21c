package io.spanfold.job.sink;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.job.serialization.StateType;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * The items of a transaction in their written form, one after another in one array. They remain
 * bytes on their way from the writer through the checkpoint to the committer: as objects they would
 * live until the commit, and the collector would copy and mark each. Iteration decodes.
 *
 * <p>Immutable.
 *
 * @param <T> an item
 */
public final class EncodedItems<T> implements Iterable<T> {

  private final StateType<T> type;
  private final int version;
  private final int size;
  private final byte[] bytes;
  private final int start;
  private final int end;

  private EncodedItems(StateType<T> type, int version, int size, byte[] bytes, int start, int end) {
    this.type = type;
    this.version = version;
    this.size = size;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  /** Encodes items. */
  static <T> EncodedItems<T> of(StateType<T> type, List<T> items) throws IOException {
    Builder<T> builder = new Builder<>(type, 0);
    for (T item : items) {
      builder.add(item);
    }
    return builder.build();
  }

  /** Returns the number of items. */
  public int size() {
    return size;
  }

  public boolean isEmpty() {
    return size == 0;
  }

  /** Returns the length of the items, in bytes. */
  int length() {
    return end - start;
  }

  /** Decodes the items one by one; throws {@link UncheckedIOException} if they are damaged. */
  @Override
  public Cursor<T> iterator() {
    return new Cursor<>(this);
  }

  /** Decodes the items as {@link #iterator} does. */
  public Stream<T> stream() {
    return StreamSupport.stream(spliterator(), false);
  }

  /** Writes the type and the version of the items, how many, and their bytes as they are. */
  void write(DataOutput out) throws IOException {
    out.writeUTF(type.id());
    VarInts.write(version, out);
    VarInts.write(size, out);
    VarInts.write(length(), out);
    out.write(bytes, start, length());
  }

  /**
   * Reads what {@link #write} wrote, and decodes nothing.
   *
   * @throws IOException if the items are of another type, or of a version that is not readable
   */
  static <T> EncodedItems<T> read(StateType<T> type, DataInput in) throws IOException {
    String written = in.readUTF();
    if (!written.equals(type.id())) {
      throw new IOException(
          "The savepoint has a transaction that lists items of type %s where type %s is expected; restore it with the release that took it."
              .formatted(written, type.id()));
    }
    int version = VarInts.readInt(in);
    TransactionCommittable.checkVersion(type.id(), version, type.version());
    int size = VarInts.readInt(in);
    byte[] bytes = VarInts.readBytes(in);
    return new EncodedItems<>(type, version, size, bytes, 0, bytes.length);
  }

  /**
   * Decodes items, and tells what it has not decoded yet.
   *
   * @param <T> an item
   */
  static final class Cursor<T> implements Iterator<T> {
    private final EncodedItems<T> items;
    private final DataInputDeserializer in;
    private int left;

    private Cursor(EncodedItems<T> items) {
      this.items = items;
      this.in = new DataInputDeserializer(items.bytes, items.start, items.length());
      this.left = items.size;
    }

    @Override
    public boolean hasNext() {
      return left > 0;
    }

    @Override
    public T next() {
      if (left == 0) {
        throw new NoSuchElementException();
      }
      left--;
      try {
        return items.type.read(items.version, in);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** Returns the items that are still to come. */
    EncodedItems<T> rest() {
      return new EncodedItems<>(
          items.type, items.version, left, items.bytes, in.getPosition(), items.end);
    }
  }

  /**
   * Encodes items into one buffer, which grows.
   *
   * @param <T> an item
   */
  static final class Builder<T> {
    private static final int LEAST_BYTES = 1024;

    private final StateType<T> type;
    private final DataOutputSerializer out;
    private int size;

    /**
     * @param expectedBytes the probable length of all items
     */
    Builder(StateType<T> type, int expectedBytes) {
      this.type = type;
      this.out = new DataOutputSerializer(Math.max(LEAST_BYTES, expectedBytes));
    }

    void add(T item) throws IOException {
      type.write(item, out);
      size++;
    }

    int size() {
      return size;
    }

    /** Returns the items. The builder must not be used any more, because they share its buffer. */
    EncodedItems<T> build() {
      return new EncodedItems<>(type, type.version(), size, out.getSharedBuffer(), 0, out.length());
    }
  }
}

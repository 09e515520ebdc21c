package io.spanfold.buffer.compression;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdDictCompress;
import com.github.luben.zstd.ZstdDictDecompress;

/**
 * A trained zstd dictionary. Its id is zstd's own, a hash made by training, and is in every frame
 * that was compressed with it.
 *
 * <p>Holds native memory until {@link #close()}, which must come after the last use by a
 * compression. For use by one thread at a time.
 */
public final class CompressionDictionary implements AutoCloseable {

  /** The longest accepted dictionary: far more than is trained here. */
  static final int MAX_BYTES = 1 << 20;

  private final byte[] bytes;
  private final int id;
  private final ZstdDictDecompress reader;
  private ZstdDictCompress writer;

  /**
   * Prepares a dictionary for decompression; the first use prepares it for compression.
   *
   * @param bytes the trained dictionary; not copied
   * @throws IllegalArgumentException if they are no dictionary
   */
  public CompressionDictionary(byte[] bytes) {
    long named = bytes.length > MAX_BYTES ? 0 : Zstd.getDictIdFromDict(bytes);
    if (named == 0) {
      throw new IllegalArgumentException(
          "%d bytes are no compression dictionary".formatted(bytes.length));
    }
    this.bytes = bytes;
    this.id = (int) named;
    try {
      this.reader = new ZstdDictDecompress(bytes);
    } catch (IllegalStateException e) {
      throw new IllegalArgumentException(
          "the compression dictionary %08x is damaged".formatted(id), e);
    }
  }

  /** Returns all 32 bits of the id, so it may be negative. */
  public int id() {
    return id;
  }

  /** Returns the trained dictionary itself; not a copy. */
  public byte[] bytes() {
    return bytes;
  }

  ZstdDictDecompress reader() {
    return reader;
  }

  /**
   * Returns it prepared for compression by {@code level}, which must be the same in each call.
   *
   * @throws IllegalArgumentException if zstd refuses it
   */
  ZstdDictCompress writer(int level) {
    if (writer == null) {
      try {
        writer = new ZstdDictCompress(bytes, level);
      } catch (IllegalStateException e) {
        throw new IllegalArgumentException(
            "the compression dictionary %08x is damaged".formatted(id), e);
      }
    }
    return writer;
  }

  @Override
  public void close() {
    reader.close();
    if (writer != null) {
      writer.close();
    }
  }
}

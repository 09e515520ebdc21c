package io.spanfold.buffer.compression;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdDictCompress;
import com.github.luben.zstd.ZstdDictDecompress;

/**
 * What zstd knows of the traffic before it sees a payload: a trained dictionary. Its id is zstd's
 * own, a hash of the content made by training, and is in every frame that was compressed with it.
 *
 * <p>Holds native memory until {@link #close()}, which must not come before the compressions that
 * use it are done with it. For use by one thread at a time.
 */
public final class CompressionDictionary implements AutoCloseable {

  /** The longest that is taken: far more than is trained here. */
  static final int MAX_BYTES = 1 << 20;

  private final byte[] bytes;
  private final int id;
  private final ZstdDictDecompress reader;
  private ZstdDictCompress writer;

  /**
   * Makes a dictionary ready for reading; for writing it is made ready when it is first used so.
   *
   * @param bytes as training made them; not copied
   * @throws IllegalArgumentException where they are no dictionary
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

  /** Returns the id: all 32 bits of it, so perhaps negative. */
  public int id() {
    return id;
  }

  /** Returns the dictionary itself, which nobody may change. */
  public byte[] bytes() {
    return bytes;
  }

  ZstdDictDecompress reader() {
    return reader;
  }

  /**
   * Returns it ready for compressing by {@code level}, which is always the same.
   *
   * @throws IllegalArgumentException where zstd does not take it
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

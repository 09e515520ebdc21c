package io.spanfold.buffer.compression;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import java.util.Arrays;
import java.util.function.IntFunction;

/**
 * Compression by zstd with dictionaries. Holds native memory until {@link #close()}, but does not
 * own the dictionaries. For use by one thread at a time.
 */
final class DictionaryCodec implements AutoCloseable {

  /** The longest header of a zstd frame: its dictionary's id is within. */
  private static final int FRAME_HEADER_BYTES = 18;

  private final int level;
  private final IntFunction<CompressionDictionary> source;
  private final ZstdCompressCtx compressor = new ZstdCompressCtx();
  private final ZstdDecompressCtx decompressor = new ZstdDecompressCtx();
  private CompressionDictionary forWriting;
  private CompressionDictionary forReading;

  /** Creates a codec that compresses by {@code level} once it has a dictionary. */
  DictionaryCodec(int level, IntFunction<CompressionDictionary> source) {
    this.level = level;
    this.source = source;
    compressor.setLevel(level).setChecksum(true);
  }

  /** Compresses with {@code dictionary} from now on. */
  void use(CompressionDictionary dictionary) {
    compressor.loadDict(dictionary.writer(level));
    forWriting = dictionary;
  }

  /** Returns whether there is a dictionary to compress with. */
  boolean hasDictionary() {
    return forWriting != null;
  }

  int level() {
    return level;
  }

  byte[] compress(byte[] payload) {
    return compressor.compress(payload);
  }

  /**
   * Decompresses the frame that starts at {@code from} in {@code stored} into {@code payload}.
   *
   * @return its length
   * @throws IllegalArgumentException if its dictionary is missing
   * @throws com.github.luben.zstd.ZstdException if the frame is damaged
   */
  int decompress(byte[] stored, int from, byte[] payload) {
    int headerEnd = Math.min(stored.length, from + FRAME_HEADER_BYTES);
    int id = (int) Zstd.getDictIdFromFrame(Arrays.copyOfRange(stored, from, headerEnd));
    CompressionDictionary dictionary = source.apply(id);
    if (dictionary == null) {
      throw new IllegalArgumentException(
          "the compression dictionary %08x of a payload is missing".formatted(id));
    }
    // By identity: a dictionary that was closed and fetched again is another object.
    if (dictionary != forReading) {
      decompressor.loadDict(dictionary.reader());
      forReading = dictionary;
    }
    return decompressor.decompressByteArray(
        payload, 0, payload.length, stored, from, stored.length - from);
  }

  @Override
  public void close() {
    compressor.close();
    decompressor.close();
  }
}

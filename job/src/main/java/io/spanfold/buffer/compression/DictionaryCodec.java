package io.spanfold.buffer.compression;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import java.util.Arrays;

/**
 * Compression by zstd with dictionaries. Holds native memory until {@link #close()}, but does not
 * own the dictionaries. For use by one thread at a time.
 */
final class DictionaryCodec implements AutoCloseable {

  /** The longest header of a zstd frame: its dictionary's id is within. */
  private static final int FRAME_HEADER_BYTES = 18;

  private final int level;
  private final DictionarySource source;
  private final ZstdCompressCtx compressor = new ZstdCompressCtx();
  private final ZstdDecompressCtx decompressor = new ZstdDecompressCtx();
  private CompressionDictionary forWriting;
  private CompressionDictionary forReading;

  /** Makes one that compresses by {@code level}, once it has a dictionary for it. */
  DictionaryCodec(int level, DictionarySource source) {
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
   * Unpacks the frame that is in {@code stored} from {@code from} on into {@code payload}.
   *
   * @return how long it was
   * @throws IllegalArgumentException where its dictionary is not to be had
   * @throws com.github.luben.zstd.ZstdException where the frame is damaged
   */
  int decompress(byte[] stored, int from, byte[] payload) {
    int headerEnd = Math.min(stored.length, from + FRAME_HEADER_BYTES);
    int id = (int) Zstd.getDictIdFromFrame(Arrays.copyOfRange(stored, from, headerEnd));
    CompressionDictionary dictionary = source.find(id);
    if (dictionary == null) {
      throw new IllegalArgumentException(
          "the compression dictionary %08x of a payload is not to be had".formatted(id));
    }
    // By identity: one that was closed since, and is known again, is another object.
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

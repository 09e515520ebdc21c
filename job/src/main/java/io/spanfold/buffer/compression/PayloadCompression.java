package io.spanfold.buffer.compression;

import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import io.spanfold.core.encoding.VarInts;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.IntFunction;

/**
 * Converts payloads to their stored form and back. The stored form describes itself, so the level
 * can change at any time: magic and version (1 byte), codec (1 byte), length of the payload (a
 * varint), then the payload, compressed unless that saves nothing.
 *
 * <p>Small payloads shrink much more with a {@link CompressionDictionary}; see {@link
 * #useDictionary}. Their stored form names the dictionary and can only be read with it.
 *
 * <p>Holds native memory until {@link #close()}. For use by one thread at a time.
 */
public final class PayloadCompression implements AutoCloseable {

  /** The level that stores payloads as they are. */
  public static final int OFF = -1;

  /** A dictionary gains nothing for a longer payload. */
  static final int MAX_BYTES_FOR_DICTIONARY = 128 << 10;

  private static final int MAX_LEVEL = 22;

  /** High four bits: a mark. Low four: the version of this layout. */
  private static final byte MAGIC_AND_VERSION = (byte) 0xB1;

  private static final byte PLAIN = 0;
  private static final byte ZSTD = 1;
  private static final byte ZSTD_WITH_DICTIONARY = 2;
  private static final int MAX_LENGTH_BYTES = 5;

  /** The most bytes before the compressed payload. */
  public static final int MAX_HEADER = 2 + MAX_LENGTH_BYTES;

  private final ZstdCompressCtx compressor;
  private final ZstdDecompressCtx decompressor;
  private final DictionaryCodec withDictionary;

  /**
   * Creates a compression of the given level without access to dictionaries.
   *
   * @param level a zstd level from 1 to 22, 0 for zstd's default, {@link #OFF} for none
   * @throws IllegalArgumentException if there is no such level
   */
  public PayloadCompression(int level) {
    this(level, id -> null);
  }

  /**
   * Creates a compression of the given level.
   *
   * @param level as above
   * @param dictionaries returns the dictionary of an id, or null. It is used before another one is
   *     requested, and not closed here
   * @throws IllegalArgumentException if there is no such level
   */
  public PayloadCompression(int level, IntFunction<CompressionDictionary> dictionaries) {
    if (level < OFF || level > MAX_LEVEL) {
      throw new IllegalArgumentException(
          "there is no compression level %d; use 0 (default), 1 to %d, or %d (off)"
              .formatted(level, MAX_LEVEL, OFF));
    }
    compressor = level == OFF ? null : new ZstdCompressCtx().setLevel(level).setChecksum(true);
    decompressor = new ZstdDecompressCtx();
    withDictionary = new DictionaryCodec(Math.max(0, level), dictionaries);
  }

  /**
   * Compresses with {@code dictionary} from now on, unless the level is {@link #OFF}. It must stay
   * open until another one is used or this compression is closed.
   *
   * @throws IllegalArgumentException if it is damaged; the previous one is still used then
   */
  public void useDictionary(CompressionDictionary dictionary) {
    withDictionary.use(dictionary);
  }

  boolean isOff() {
    return compressor == null;
  }

  /** Returns the level that dictionaries are made for. */
  int level() {
    return withDictionary.level();
  }

  /** Returns the stored form of {@code payload}: at most 7 bytes longer. */
  public byte[] compress(byte[] payload) {
    if (compressor != null) {
      boolean small = payload.length <= MAX_BYTES_FOR_DICTIONARY;
      boolean dictionary = small && withDictionary.hasDictionary();
      byte[] compressed =
          dictionary ? withDictionary.compress(payload) : compressor.compress(payload);
      if (compressed.length < payload.length) {
        return framed(dictionary ? ZSTD_WITH_DICTIONARY : ZSTD, payload.length, compressed);
      }
    }
    return framed(PLAIN, payload.length, payload);
  }

  /**
   * Returns the payload of a stored form.
   *
   * @param maxBytes the longest that the payload can be; nothing longer is decompressed
   * @throws IllegalArgumentException if {@code stored} has another format, is damaged, claims to be
   *     longer, or needs a dictionary that is missing
   */
  public byte[] decompress(byte[] stored, long maxBytes) {
    ByteBuffer in = ByteBuffer.wrap(stored);
    if (in.remaining() < 3 || in.get() != MAGIC_AND_VERSION) {
      throw new IllegalArgumentException("not a stored payload, or one of another version");
    }
    byte codec = in.get();
    int length = readLength(in);
    if (length < 0 || length > maxBytes) {
      throw new IllegalArgumentException(
          "a payload of at most %d bytes claims to have %d".formatted(maxBytes, length));
    }
    return switch (codec) {
      case PLAIN -> plain(stored, in.position(), length);
      case ZSTD, ZSTD_WITH_DICTIONARY -> unpacked(codec, stored, in.position(), length);
      default -> throw new IllegalArgumentException("a payload has the unknown codec " + codec);
    };
  }

  /**
   * Returns the length of the payload that {@code stored} was made from; -1 if it has an unknown
   * form.
   *
   * @param stored at least its first {@link #MAX_HEADER} bytes
   */
  public static long unpackedLength(byte[] stored) {
    ByteBuffer in = ByteBuffer.wrap(stored);
    if (in.remaining() < 3 || in.get() != MAGIC_AND_VERSION) {
      return -1;
    }
    in.get();
    try {
      return readLength(in);
    } catch (IllegalArgumentException e) {
      return -1;
    }
  }

  @Override
  public void close() {
    if (compressor != null) {
      compressor.close();
    }
    decompressor.close();
    withDictionary.close();
  }

  private static byte[] plain(byte[] stored, int from, int length) {
    if (stored.length - from != length) {
      throw new IllegalArgumentException(
          "a payload of %d bytes has %d".formatted(length, stored.length - from));
    }
    return Arrays.copyOfRange(stored, from, stored.length);
  }

  private byte[] unpacked(byte codec, byte[] stored, int from, int length) {
    byte[] payload = new byte[length];
    int unpacked;
    try {
      unpacked =
          codec == ZSTD_WITH_DICTIONARY
              ? withDictionary.decompress(stored, from, payload)
              : decompressor.decompressByteArray(
                  payload, 0, length, stored, from, stored.length - from);
    } catch (ZstdException e) {
      throw new IllegalArgumentException("a compressed payload is damaged: " + e.getMessage(), e);
    }
    if (unpacked != length) {
      throw new IllegalArgumentException(
          "a payload of %d bytes unpacks to %d".formatted(length, unpacked));
    }
    return payload;
  }

  private static int readLength(ByteBuffer in) {
    try {
      return Math.toIntExact(VarInts.read(in));
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new IllegalArgumentException("the length of a stored payload is damaged", e);
    }
  }

  private static byte[] framed(byte codec, int length, byte[] body) {
    ByteBuffer framed = ByteBuffer.allocate(2 + MAX_LENGTH_BYTES + body.length);
    framed.put(MAGIC_AND_VERSION).put(codec);
    VarInts.write(length, framed);
    framed.put(body);
    return Arrays.copyOf(framed.array(), framed.position());
  }
}

package io.spanfold.buffer.compression;

import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Turns payloads into what is stored and back. What is stored tells by itself how it is to be read,
 * so that the level can be changed at any time: magic and version (1 byte), codec (1 byte), length
 * of the payload (a varint), then the payload, compressed or as it is where compression gains
 * nothing.
 *
 * <p>Small payloads gain much by a {@link CompressionDictionary}, which is given by {@link
 * #useDictionary}; what was compressed with one names it, and can only be read with it.
 *
 * <p>Holds native memory until {@link #close()}. For use by one thread at a time.
 */
public final class PayloadCompression implements AutoCloseable {

  /** The level that stores payloads as they are. */
  public static final int OFF = -1;

  /** The longest payload that a dictionary is used for: a longer one has enough in itself. */
  static final int MAX_BYTES_FOR_DICTIONARY = 128 << 10;

  private static final int MAX_LEVEL = 22;

  /** High four bits: a mark. Low four: the version of this layout. */
  private static final byte MAGIC_AND_VERSION = (byte) 0xB1;

  private static final byte PLAIN = 0;
  private static final byte ZSTD = 1;
  private static final byte ZSTD_WITH_DICTIONARY = 2;
  private static final int MAX_VARINT_BYTES = 5;

  private final ZstdCompressCtx compressor;
  private final ZstdDecompressCtx decompressor;
  private final DictionaryCodec withDictionary;

  /**
   * Makes a compression of the given level that knows no dictionaries.
   *
   * @param level a zstd level from 1 to 22, 0 for zstd's default, {@link #OFF} for none
   * @throws IllegalArgumentException where there is no such level
   */
  public PayloadCompression(int level) {
    this(level, DictionarySource.NONE);
  }

  /**
   * Makes a compression of the given level.
   *
   * @param level as above
   * @param dictionaries where the dictionaries are that payloads to be read were compressed with
   * @throws IllegalArgumentException where there is no such level
   */
  public PayloadCompression(int level, DictionarySource dictionaries) {
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
   * open until another one is used, or this is closed.
   *
   * @throws IllegalArgumentException where it is damaged; the former one is used then
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

  /** Returns what is to be stored for {@code payload}: at most 7 bytes more. */
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
   * Returns the payload that {@code stored} was made from.
   *
   * @param stored what was stored
   * @param maxBytes the greatest length the payload can have; nothing longer is unpacked
   * @throws IllegalArgumentException where {@code stored} is of another form, is damaged, claims to
   *     be longer, or was made with a dictionary that is not to be had
   */
  public byte[] decompress(byte[] stored, long maxBytes) {
    ByteBuffer in = ByteBuffer.wrap(stored);
    if (in.remaining() < 3 || in.get() != MAGIC_AND_VERSION) {
      throw new IllegalArgumentException("not a stored payload, or one of a newer version");
    }
    byte codec = in.get();
    long length = readVarint(in);
    if (length > maxBytes) {
      throw new IllegalArgumentException(
          "a payload of at most %d bytes claims to have %d".formatted(maxBytes, length));
    }
    return switch (codec) {
      case PLAIN -> plain(stored, in.position(), length);
      case ZSTD, ZSTD_WITH_DICTIONARY -> unpacked(codec, stored, in.position(), (int) length);
      default -> throw new IllegalArgumentException("a payload has the unknown codec " + codec);
    };
  }

  @Override
  public void close() {
    if (compressor != null) {
      compressor.close();
    }
    decompressor.close();
    withDictionary.close();
  }

  private static byte[] plain(byte[] stored, int from, long length) {
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

  private static byte[] framed(byte codec, int length, byte[] body) {
    byte[] header = new byte[2 + MAX_VARINT_BYTES];
    int size = 0;
    header[size++] = MAGIC_AND_VERSION;
    header[size++] = codec;
    int rest = length;
    while ((rest & ~0x7F) != 0) {
      header[size++] = (byte) ((rest & 0x7F) | 0x80);
      rest >>>= 7;
    }
    header[size++] = (byte) rest;
    byte[] framed = Arrays.copyOf(header, size + body.length);
    System.arraycopy(body, 0, framed, size, body.length);
    return framed;
  }

  private static long readVarint(ByteBuffer in) {
    long value = 0;
    for (int i = 0; i < MAX_VARINT_BYTES && in.hasRemaining(); i++) {
      byte next = in.get();
      value |= (next & 0x7FL) << (7 * i);
      if (next >= 0) {
        if (value > Integer.MAX_VALUE) {
          break;
        }
        return value;
      }
    }
    throw new IllegalArgumentException("the length of a stored payload is damaged");
  }
}

package io.spanfold.buffer.compression;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Collects samples of payloads and trains a dictionary from them. Takes few from a batch, so that
 * the samples are from several seconds of traffic. Holds up to {@link #SAMPLE_BYTES} of them. For
 * use by one thread at a time.
 */
public final class DictionaryTrainer {

  /** The longest dictionary; about the default of zstd's own tool. */
  static final int DICTIONARY_BYTES = 112 << 10;

  /** Bytes of samples for training. */
  static final int SAMPLE_BYTES = 2 << 20;

  /** Bytes taken from a payload, so that a few large ones do not use up the samples. */
  static final int MOST_OF_A_PAYLOAD = 16 << 10;

  /** Bytes taken from a batch. */
  static final int MOST_OF_A_BATCH = 256 << 10;

  private final int level;
  private final List<byte[]> samples = new ArrayList<>();
  private int bytes;
  private int bytesOfBatch;

  /** Creates a trainer of dictionaries for compression by {@code level}. */
  public DictionaryTrainer(int level) {
    this.level = level;
  }

  /** To be called before the payloads of another batch are offered. */
  public void beginBatch() {
    bytesOfBatch = 0;
  }

  /**
   * Copies the beginning of {@code payload} as a sample if more are needed and dictionaries are
   * used for payloads of its size.
   */
  public void offer(byte[] payload) {
    if (isReady()
        || bytesOfBatch >= MOST_OF_A_BATCH
        || payload.length == 0
        || payload.length > PayloadCompression.MAX_BYTES_FOR_DICTIONARY) {
      return;
    }
    byte[] sample = Arrays.copyOf(payload, Math.min(payload.length, MOST_OF_A_PAYLOAD));
    samples.add(sample);
    bytes += sample.length;
    bytesOfBatch += sample.length;
  }

  /** Returns whether there are enough samples. */
  public boolean isReady() {
    return bytes >= SAMPLE_BYTES;
  }

  /** Drops all samples. */
  public void clear() {
    samples.clear();
    bytes = 0;
  }

  /**
   * Trains a dictionary from the samples and drops them. Takes 0.1 to 0.2 s of CPU.
   *
   * @return empty if zstd cannot make one of them
   */
  public Optional<CompressionDictionary> train() {
    byte[] trained = new byte[DICTIONARY_BYTES];
    try {
      long length = Zstd.trainFromBuffer(samples.toArray(new byte[0][]), trained, false, level);
      return Zstd.isError(length)
          ? Optional.empty()
          : Optional.of(new CompressionDictionary(Arrays.copyOf(trained, (int) length)));
    } catch (ZstdException e) {
      // It throws for some failures and returns others.
      return Optional.empty();
    } finally {
      clear();
    }
  }
}

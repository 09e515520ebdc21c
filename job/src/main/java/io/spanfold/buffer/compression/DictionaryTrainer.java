package io.spanfold.buffer.compression;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Gathers payloads and trains a dictionary from them. Of a batch it takes little, so that what it
 * has is from several seconds of traffic. Holds copies of up to {@link #SAMPLE_BYTES} in all. For
 * use by one thread at a time.
 */
public final class DictionaryTrainer {

  /** Length of a dictionary at most: what zstd itself takes by default, about. */
  static final int DICTIONARY_BYTES = 112 << 10;

  /** What is gathered before training. */
  static final int SAMPLE_BYTES = 2 << 20;

  /** What is taken of a payload: so a few large ones do not fill it. */
  static final int MOST_OF_A_PAYLOAD = 16 << 10;

  /** What is taken of a batch. */
  static final int MOST_OF_A_BATCH = 256 << 10;

  private final int level;
  private final List<byte[]> samples = new ArrayList<>();
  private int bytes;
  private int bytesOfBatch;

  /** Makes a trainer of dictionaries for compression by {@code level}. */
  public DictionaryTrainer(int level) {
    this.level = level;
  }

  /** Tells that what is offered from now on is of another batch. */
  public void beginBatch() {
    bytesOfBatch = 0;
  }

  /**
   * Takes a copy of the beginning of {@code payload}, where there is still need of one. Payloads
   * that dictionaries are not used for are not taken.
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

  /** Returns whether enough was gathered. */
  public boolean isReady() {
    return bytes >= SAMPLE_BYTES;
  }

  /** Forgets what was gathered. */
  public void clear() {
    samples.clear();
    bytes = 0;
  }

  /**
   * Trains a dictionary from what was gathered, and forgets that. Takes one or two tenths of a
   * second of CPU.
   *
   * @return empty where zstd finds nothing to make one of
   */
  public Optional<CompressionDictionary> train() {
    byte[] trained = new byte[DICTIONARY_BYTES];
    try {
      long length = Zstd.trainFromBuffer(samples.toArray(new byte[0][]), trained, false, level);
      return Zstd.isError(length)
          ? Optional.empty()
          : Optional.of(new CompressionDictionary(Arrays.copyOf(trained, (int) length)));
    } catch (ZstdException e) {
      // It throws for some of its reasons, and returns others.
      return Optional.empty();
    } finally {
      clear();
    }
  }
}

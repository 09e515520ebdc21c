package io.spanfold.buffer.compression;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.spanfold.testing.SpanTexts;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DictionaryTrainerTest {

  private final SpanTexts texts = new SpanTexts(5);
  private final DictionaryTrainer trainer = new DictionaryTrainer(0);

  @Test
  void aDictionaryHalvesPayloadsItWasNotTrainedOn() {
    try (CompressionDictionary dictionary = trained(texts);
        PayloadCompression without = new PayloadCompression(0);
        PayloadCompression with = new PayloadCompression(0)) {
      with.useDictionary(dictionary);
      byte[] payload = texts.next();
      assertThat(with.compress(payload)).hasSizeLessThan(without.compress(payload).length / 2);
      assertThat(dictionary.bytes()).hasSizeLessThanOrEqualTo(112 << 10);
    }
  }

  @Test
  void isReadyAfterSeveralBatches() {
    int batches = 0;
    while (!trainer.isReady()) {
      trainer.beginBatch();
      batches++;
      for (int i = 0; i < 1_000; i++) {
        trainer.offer(texts.next());
      }
    }
    assertThat(batches).isEqualTo(8);
  }

  @Test
  void samplesLittleOfAPayloadAndNothingOfLargeOnes() {
    for (int i = 0; i < 127; i++) {
      trainer.beginBatch();
      trainer.offer(new byte[PayloadCompression.MAX_BYTES_FOR_DICTIONARY]);
      trainer.offer(new byte[PayloadCompression.MAX_BYTES_FOR_DICTIONARY + 1]);
      assertThat(trainer.isReady()).isFalse();
    }
    trainer.offer(new byte[DictionaryTrainer.MOST_OF_A_PAYLOAD]);
    assertThat(trainer.isReady()).isTrue();
  }

  @Test
  void trainsNothingFromTooFewSamplesOrNone() {
    assertThat(trainer.train()).isEmpty();
    trainer.offer(texts.next());
    assertThat(trainer.train()).isEmpty();
    while (!trainer.isReady()) {
      trainer.beginBatch();
      trainer.offer(texts.next());
    }
    trainer.clear();
    assertThat(trainer.isReady()).isFalse();
    assertThat(trainer.train()).isEmpty();
  }

  @Test
  void refusesBytesThatAreNoDictionary() {
    Random random = new Random(3);
    byte[] noise = new byte[2_000];
    random.nextBytes(noise);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CompressionDictionary(noise).close())
        .withMessageContaining("2000 bytes");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CompressionDictionary(new byte[0]).close());
    try (CompressionDictionary good = trained(texts)) {
      for (int i = 0; i < 300; i++) {
        byte[] bad = Arrays.copyOf(good.bytes(), 9 + random.nextInt(500));
        bad[4 + random.nextInt(bad.length - 4)] ^= (byte) (1 << random.nextInt(8));
        try {
          new CompressionDictionary(bad).close();
        } catch (IllegalArgumentException refused) {
          assertThat(refused).hasMessageContaining("dictionary");
        }
      }
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  new CompressionDictionary(
                          Arrays.copyOf(good.bytes(), CompressionDictionary.MAX_BYTES + 1))
                      .close());
    }
  }

  static CompressionDictionary trained(SpanTexts texts) {
    DictionaryTrainer trainer = new DictionaryTrainer(0);
    while (!trainer.isReady()) {
      trainer.beginBatch();
      trainer.offer(texts.next());
    }
    return trainer.train().orElseThrow();
  }
}

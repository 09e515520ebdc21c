package io.spanfold.buffer.compression;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.spanfold.testing.SpanTexts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PayloadCompressionTest {

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 1, 9, 22})
  void roundTripsAtAnyLevel(int level) {
    Random random = new Random(7);
    try (PayloadCompression compression = new PayloadCompression(level)) {
      for (int length : new int[] {0, 1, 127, 128, 20_000, 3_000_000}) {
        byte[] noise = new byte[length];
        random.nextBytes(noise);
        byte[] text = "{\"span_id\":1}".repeat(length / 13 + 1).getBytes(UTF_8);
        for (byte[] payload : new byte[][] {noise, text}) {
          byte[] stored = compression.compress(payload);
          assertThat(stored.length).isLessThanOrEqualTo(payload.length + 7);
          assertThat(compression.decompress(stored, payload.length)).isEqualTo(payload);
        }
      }
    }
  }

  @Test
  void readsPayloadsOfEveryLevel() {
    byte[] payload = "span".repeat(1_000).getBytes(UTF_8);
    try (PayloadCompression off = new PayloadCompression(PayloadCompression.OFF);
        PayloadCompression on = new PayloadCompression(3)) {
      assertThat(on.compress(payload)).hasSizeLessThan(100);
      assertThat(off.compress(payload)).hasSizeGreaterThan(payload.length);
      assertThat(off.decompress(on.compress(payload), payload.length)).isEqualTo(payload);
      assertThat(on.decompress(off.compress(payload), payload.length)).isEqualTo(payload);
    }
  }

  @Test
  void decompressesNothingLongerThanAllowed() {
    try (PayloadCompression compression = new PayloadCompression(3)) {
      byte[] bomb = compression.compress(new byte[100_000_000]);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> compression.decompress(bomb, 1_000))
          .withMessageContaining("100000000");
    }
  }

  @Test
  void decompressesNothingLongerThanItsHeaderClaims() {
    try (PayloadCompression compression = new PayloadCompression(3)) {
      byte[] stored = compression.compress(new byte[1_000]);
      stored[2] = 10;
      stored[3] = (byte) 0;
      byte[] lying = Arrays.copyOf(stored, stored.length);
      assertThatIllegalArgumentException().isThrownBy(() -> compression.decompress(lying, 1_000));
    }
  }

  @Test
  void refusesDamagedBytesAndNeverFailsOtherwise() {
    Random random = new Random(11);
    byte[] payload = "{\"span_id\":\"0123456789abcdef\"}".repeat(50).getBytes(UTF_8);
    try (PayloadCompression compression = new PayloadCompression(3)) {
      byte[] good = compression.compress(payload);
      for (int i = 0; i < 5_000; i++) {
        byte[] bad = Arrays.copyOf(good, 1 + random.nextInt(good.length));
        bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(8));
        try {
          assertThat(compression.decompress(bad, payload.length)).isEqualTo(payload);
        } catch (IllegalArgumentException refused) {
          assertThat(refused).hasMessageContaining("payload");
        }
      }
    }
  }

  @Test
  void readsPayloadsOfAnyDictionaryItCanFind() {
    try (CompressionDictionary first = DictionaryTrainerTest.trained(new SpanTexts(1));
        CompressionDictionary second = DictionaryTrainerTest.trained(new SpanTexts(2));
        PayloadCompression writing = new PayloadCompression(0);
        PayloadCompression reading =
            new PayloadCompression(
                PayloadCompression.OFF, id -> id == first.id() ? first : second)) {
      SpanTexts texts = new SpanTexts(1);
      List<byte[]> payloads = new ArrayList<>();
      List<byte[]> stored = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        if (i > 9) {
          writing.useDictionary(i % 2 == 0 ? first : second);
        }
        payloads.add(i == 50 ? new byte[0] : texts.next());
        stored.add(writing.compress(payloads.get(i)));
        assertThat(stored.get(i)[1]).isEqualTo((byte) (i == 50 ? 0 : i > 9 ? 2 : 1));
      }
      for (int i = 0; i < 100; i++) {
        byte[] payload = payloads.get(i);
        assertThat(reading.decompress(stored.get(i), payload.length)).isEqualTo(payload);
      }
    }
  }

  @Test
  void usesNoDictionaryForLargePayloads() {
    try (CompressionDictionary dictionary = DictionaryTrainerTest.trained(new SpanTexts(1));
        PayloadCompression compression = new PayloadCompression(0)) {
      compression.useDictionary(dictionary);
      byte[] large = new byte[PayloadCompression.MAX_BYTES_FOR_DICTIONARY + 1];
      byte[] stored = compression.compress(large);
      assertThat(stored[1]).as("codec").isEqualTo((byte) 1);
      assertThat(compression.decompress(stored, large.length)).isEqualTo(large);
    }
  }

  @Test
  void refusesPayloadsWhoseDictionaryIsMissingOrWrong() {
    SpanTexts texts = new SpanTexts(1);
    try (CompressionDictionary right = DictionaryTrainerTest.trained(texts);
        CompressionDictionary wrong = DictionaryTrainerTest.trained(new SpanTexts(2));
        PayloadCompression writing = new PayloadCompression(0);
        PayloadCompression without = new PayloadCompression(0);
        PayloadCompression misled = new PayloadCompression(0, id -> wrong)) {
      writing.useDictionary(right);
      byte[] payload = texts.next();
      byte[] stored = writing.compress(payload);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> without.decompress(stored, payload.length))
          .withMessageContaining("%08x".formatted(right.id()));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> misled.decompress(stored, payload.length))
          .withMessageContaining("damaged");
    }
  }

  @Test
  void refusesDamagedPayloadsOfAKnownDictionary() {
    Random random = new Random(13);
    SpanTexts texts = new SpanTexts(1);
    try (CompressionDictionary dictionary = DictionaryTrainerTest.trained(texts);
        PayloadCompression compression = new PayloadCompression(0, id -> dictionary)) {
      compression.useDictionary(dictionary);
      byte[] payload = texts.next();
      byte[] good = compression.compress(payload);
      for (int i = 0; i < 5_000; i++) {
        byte[] bad = Arrays.copyOf(good, 1 + random.nextInt(good.length));
        bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(8));
        try {
          assertThat(compression.decompress(bad, payload.length)).isEqualTo(payload);
        } catch (IllegalArgumentException refused) {
          assertThat(refused).hasMessageContaining("payload");
        }
      }
    }
  }

  @Test
  void refusesALevelThatDoesNotExist() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PayloadCompression(23).close())
        .withMessageContaining("23");
  }
}

package io.spanfold.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Random;

/** Makes payloads that are as similar as those of one service; seeded. */
public final class SpanTexts {

  private static final int RECORDS = 4;
  private static final int WORDS = 200;

  private final Random random;
  private final String[] words = new String[WORDS];

  /** Makes different texts for each {@code seed}: two seeds share no words. */
  public SpanTexts(long seed) {
    random = new Random(seed);
    for (int i = 0; i < words.length; i++) {
      words[i] = Long.toString(random.nextLong(), 36);
    }
  }

  /** Returns another payload, of about 4 KB. */
  public byte[] next() {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < RECORDS; i++) {
      text.append("{\"span_id\":\"").append(Long.toHexString(random.nextLong())).append('"');
      for (int j = 0; j < 30; j++) {
        text.append(",\"").append(words[j]).append("\":\"");
        text.append(words[random.nextInt(words.length)]).append('"');
      }
      text.append('}');
    }
    return text.toString().getBytes(UTF_8);
  }
}

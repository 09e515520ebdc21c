package io.spanfold.core.format;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StrictUtf8Test {

  private static final byte[][] PIECES = {
    {'a'},
    {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'},
    {(byte) 0xC3, (byte) 0xA9},
    {(byte) 0xE0, (byte) 0xA0, (byte) 0x80},
    {(byte) 0xED, (byte) 0x9F, (byte) 0xBF},
    {(byte) 0xEF, (byte) 0xBF, (byte) 0xBF},
    {(byte) 0xF0, (byte) 0x90, (byte) 0x80, (byte) 0x80},
    {(byte) 0xF4, (byte) 0x8F, (byte) 0xBF, (byte) 0xBF},
    // The flaws: overlong, a surrogate, too high, a lone second byte, a cut one, no lead byte.
    {(byte) 0xC0, (byte) 0x80},
    {(byte) 0xC1, (byte) 0xBF},
    {(byte) 0xE0, (byte) 0x9F, (byte) 0xBF},
    {(byte) 0xED, (byte) 0xA0, (byte) 0x80},
    {(byte) 0xF0, (byte) 0x8F, (byte) 0xBF, (byte) 0xBF},
    {(byte) 0xF4, (byte) 0x90, (byte) 0x80, (byte) 0x80},
    {(byte) 0xF5, (byte) 0x80, (byte) 0x80, (byte) 0x80},
    {(byte) 0x80},
    {(byte) 0xE6, (byte) 0xBC},
    {(byte) 0xFF}
  };

  @Test
  void findsTheByteAtWhichTheDecoderOfTheJdkStops() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 50_000; round++) {
      ByteBuffer text = ByteBuffer.allocate(200);
      // Mostly valid pieces, so that the invalid one can be anywhere.
      for (int i = random.nextInt(20); i > 0; i--) {
        text.put(PIECES[random.nextInt(random.nextInt(10) == 0 ? PIECES.length : 8)]);
      }
      byte[] bytes = text.array();
      int to = text.position();
      assertThat(StrictUtf8.firstInvalid(bytes, 0, to))
          .as("seed %d, round %d", seed, round)
          .isEqualTo(stopOfDecoder(bytes, 0, to));
    }
  }

  @Test
  void agreesWithTheDecoderOnEveryPairOfBytesWithinTheRange() {
    byte[] bytes = {(byte) 0xFF, 0, 0, (byte) 0xBF};
    for (int pair = 0; pair < 1 << 16; pair++) {
      bytes[1] = (byte) (pair >> 8);
      bytes[2] = (byte) pair;
      assertThat(StrictUtf8.firstInvalid(bytes, 1, 3)).isEqualTo(stopOfDecoder(bytes, 1, 3));
    }
  }

  private static int stopOfDecoder(byte[] bytes, int from, int to) {
    ByteBuffer in = ByteBuffer.wrap(bytes, from, to - from);
    boolean broken = UTF_8.newDecoder().decode(in, CharBuffer.allocate(400), true).isError();
    return broken ? in.position() : -1;
  }
}

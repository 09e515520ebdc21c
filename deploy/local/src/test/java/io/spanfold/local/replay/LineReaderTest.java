package io.spanfold.local.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LineReaderTest {

  @Test
  void returnsTheBytesOfEveryLine() throws IOException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 50; round++) {
      List<byte[]> lines = new ArrayList<>();
      ByteArrayOutputStream file = new ByteArrayOutputStream();
      for (int i = random.nextInt(20); i > 0; i--) {
        byte[] line = new byte[random.nextInt(random.nextBoolean() ? 10 : 200_000)];
        random.nextBytes(line);
        for (int at = 0; at < line.length; at++) {
          line[at] = line[at] == '\n' ? 0 : line[at];
        }
        lines.add(line);
        file.writeBytes(line);
        file.write('\n');
      }
      assertThat(read(file.toByteArray())).as("seed %d", seed).containsExactlyElementsOf(lines);
    }
  }

  @Test
  void readsALastLineWithoutALineFeedAndEmptyLines() throws IOException {
    assertThat(read("a\n\nb".getBytes(java.nio.charset.StandardCharsets.UTF_8)))
        .containsExactly(new byte[] {'a'}, new byte[0], new byte[] {'b'});
  }

  private static List<byte[]> read(byte[] file) throws IOException {
    List<byte[]> lines = new ArrayList<>();
    try (LineReader reader = new LineReader(new ByteArrayInputStream(file))) {
      for (byte[] line = reader.next(); line != null; line = reader.next()) {
        lines.add(line);
      }
    }
    return lines;
  }
}

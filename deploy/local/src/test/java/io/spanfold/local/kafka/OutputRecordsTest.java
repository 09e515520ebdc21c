package io.spanfold.local.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;

class OutputRecordsTest {

  @Test
  void writesUtf8AsText() throws IOException {
    ConsumerRecord<byte[], byte[]> letter = letter("k".getBytes(UTF_8), "n\u00f6 \"json\"\n");
    letter.headers().add("reason", "not-json".getBytes(UTF_8)).add("nothing", null);

    assertThat(new String(OutputRecords.deadLetter(letter), UTF_8))
        .isEqualTo(
            "{\"headers\":{\"reason\":\"not-json\",\"nothing\":null},\"key\":\"k\","
                + "\"value\":\"n\u00f6 \\\"json\\\"\\n\"}");
  }

  @Test
  void writesOtherBytesAsBase64() throws IOException {
    byte[] bytes = {(byte) 0xff, (byte) 0xfe};
    ConsumerRecord<byte[], byte[]> letter =
        new ConsumerRecord<>(Topics.DEAD_LETTERS, 0, 0, null, bytes);
    letter.headers().add("raw", bytes);

    assertThat(new String(OutputRecords.deadLetter(letter), UTF_8))
        .isEqualTo(
            "{\"headers\":{},\"headers_base64\":{\"raw\":\"//4=\"},\"key\":null,"
                + "\"value_base64\":\"//4=\"}");
  }

  @Test
  void keepsAValueOnOneLine() {
    assertThat(OutputRecords.oneLine("{\r\n\"a\":\n1}".getBytes(UTF_8)))
        .isEqualTo("{  \"a\": 1}".getBytes(UTF_8));
  }

  @Test
  void countsTheSpansOfAMessage() throws IOException {
    assertThat(spans("{\"x\":{\"spans\":[1,2,3]},\"spans\":[{\"spans\":[1]},{\"a\":[{}]}]}"))
        .isEqualTo(2);
    assertThat(spans("{\"flush_id\":\"f\",\"spans\":[]}")).isZero();
  }

  @Test
  void countsSpansWithLongerTokensThanOtherReadersAccept() throws IOException {
    String name = "k".repeat(60_000);
    String number = "1" + "0".repeat(1_500);
    String nested = "[".repeat(2_000) + "]".repeat(2_000);

    assertThat(
            spans("{\"spans\":[{\"%s\":1},{\"a\":%s},{\"a\":%s}]}".formatted(name, number, nested)))
        .isEqualTo(3);
  }

  private static int spans(String message) throws IOException {
    return OutputRecords.spansIn(message.getBytes(UTF_8));
  }

  private static ConsumerRecord<byte[], byte[]> letter(byte[] key, String value) {
    return new ConsumerRecord<>(Topics.DEAD_LETTERS, 0, 0, key, value.getBytes(UTF_8));
  }
}

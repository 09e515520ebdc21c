package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.SourcePosition;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.junit.jupiter.api.Test;

class DeadLetterRecordsTest {

  @Test
  void aLetterIsTheSourceRecordWithHeadersForReasonAndPosition() {
    DeadLetter letter =
        new DeadLetter(
            null,
            new byte[] {(byte) 0xFF},
            List.of(new DeadLetter.Header("trace", null)),
            "invalid-json",
            "ingest-spans",
            new SourcePosition(3, 42, 0),
            "x".repeat(5_000));

    ProducerRecord<byte[], byte[]> record = new DeadLetterRecords("dead").of(letter, any -> true);

    assertThat(record.topic()).isEqualTo("dead");
    assertThat(record.key()).isNull();
    assertThat(record.value()).isEqualTo(new byte[] {(byte) 0xFF});
    assertThat(record.timestamp()).isNull();
    assertThat(Arrays.stream(record.headers().toArray()).map(header -> header.key()))
        .containsExactly(
            "trace",
            "spanfold-reason",
            "spanfold-topic",
            "spanfold-partition",
            "spanfold-offset",
            "spanfold-error");
    assertThat(header(record, "spanfold-reason")).isEqualTo("invalid-json");
    assertThat(header(record, "spanfold-topic")).isEqualTo("ingest-spans");
    assertThat(header(record, "spanfold-partition")).isEqualTo("3");
    assertThat(header(record, "spanfold-offset")).isEqualTo("42");
    assertThat(header(record, "spanfold-error")).hasSize(1_003);
  }

  @Test
  void namesTheIndexOfALetterWhereItIsNotTheFirst() {
    DeadLetterRecords records = new DeadLetterRecords("dead");
    ProducerRecord<byte[], byte[]> third = records.of(letter(List.of(), 2), any -> true);
    assertThat(header(third, "spanfold-index")).isEqualTo("2");
    assertThat(DeadLetterRecords.id(consumed(third)))
        .isEqualTo(DeadLetterRecords.id(letter(List.of(), 2)))
        .isNotEqualTo(DeadLetterRecords.id(letter(List.of(), 0)));

    // The source record was a dead letter itself: its own headers do not count.
    List<DeadLetter.Header> former =
        Arrays.stream(third.headers().toArray())
            .map(header -> new DeadLetter.Header(header.key(), header.value()))
            .toList();
    assertThat(DeadLetterRecords.id(consumed(records.of(letter(former, 0), any -> true))))
        .isEqualTo(DeadLetterRecords.id(letter(List.of(), 0)));
  }

  @Test
  void aLetterThatIsNotAcceptedLacksItsLargestPiecesAndNamesThem() {
    DeadLetter letter =
        new DeadLetter(
            new byte[20],
            new byte[10],
            List.of(new DeadLetter.Header("trace", new byte[30])),
            "some",
            "spans",
            new SourcePosition(3, 42, 0),
            "bad");

    assertThat(pieces(letter, 60)).isEqualTo("key value headers, truncated: null");
    assertThat(pieces(letter, 59)).isEqualTo("key value, truncated: headers");
    assertThat(pieces(letter, 29)).isEqualTo("value, truncated: headers,key");
    assertThat(pieces(letter, 9)).isEqualTo(", truncated: value,headers,key");
    assertThat(pieces(letter, -1)).as("nothing is left").isEqualTo(pieces(letter, 9));
  }

  @Test
  void aTruncatedLetterHasItsPositionAndATruncatedSourceRecordMakesNone() {
    DeadLetterRecords records = new DeadLetterRecords("dead");
    ProducerRecord<byte[], byte[]> truncated = records.of(letter(List.of(), 0), any -> false);
    List<DeadLetter.Header> former =
        Arrays.stream(truncated.headers().toArray())
            .map(header -> new DeadLetter.Header(header.key(), header.value()))
            .toList();

    assertThat(DeadLetterRecords.id(consumed(truncated)))
        .isEqualTo(DeadLetterRecords.id(letter(List.of(), 0)));
    assertThat(DeadLetterRecords.isTruncated(truncated)).isTrue();
    assertThat(DeadLetterRecords.isTruncated(records.of(letter(former, 0), any -> true))).isFalse();
  }

  /** Returns what is there of the source record if its pieces may have so many bytes. */
  private static String pieces(DeadLetter letter, int bytes) {
    ProducerRecord<byte[], byte[]> record =
        new DeadLetterRecords("dead")
            .of(
                letter,
                made ->
                    (made.key() == null ? 0 : made.key().length)
                            + (made.value() == null ? 0 : made.value().length)
                            + (made.headers().lastHeader("trace") == null ? 0 : 30)
                        <= bytes);
    List<String> there = new ArrayList<>();
    if (record.key() != null) {
      there.add("key");
    }
    if (record.value() != null) {
      there.add("value");
    }
    if (record.headers().lastHeader("trace") != null) {
      there.add("headers");
    }
    Header truncated = record.headers().lastHeader("spanfold-truncated");
    return String.join(" ", there)
        + ", truncated: "
        + (truncated == null ? null : new String(truncated.value(), UTF_8));
  }

  private static DeadLetter letter(List<DeadLetter.Header> headers, int index) {
    return new DeadLetter(
        null, null, headers, "some", "spans", new SourcePosition(3, 42, index), "bad");
  }

  private static ConsumerRecord<byte[], byte[]> consumed(ProducerRecord<byte[], byte[]> record) {
    ConsumerRecord<byte[], byte[]> consumed =
        new ConsumerRecord<>(record.topic(), 0, 7, record.key(), record.value());
    record.headers().forEach(header -> consumed.headers().add(header));
    return consumed;
  }

  private static String header(ProducerRecord<byte[], byte[]> record, String name) {
    return new String(record.headers().lastHeader(name).value(), UTF_8);
  }
}

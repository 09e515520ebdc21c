package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.SourcePosition;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
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

    ProducerRecord<byte[], byte[]> record = new DeadLetterRecords("dead").of(letter);

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
    ProducerRecord<byte[], byte[]> third = records.of(letter(List.of(), 2));
    assertThat(header(third, "spanfold-index")).isEqualTo("2");
    assertThat(DeadLetterRecords.id(consumed(third)))
        .isEqualTo(DeadLetterRecords.id(letter(List.of(), 2)))
        .isNotEqualTo(DeadLetterRecords.id(letter(List.of(), 0)));

    // The source record was a dead letter itself: its own headers do not count.
    List<DeadLetter.Header> former =
        Arrays.stream(third.headers().toArray())
            .map(header -> new DeadLetter.Header(header.key(), header.value()))
            .toList();
    assertThat(DeadLetterRecords.id(consumed(records.of(letter(former, 0)))))
        .isEqualTo(DeadLetterRecords.id(letter(List.of(), 0)));
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

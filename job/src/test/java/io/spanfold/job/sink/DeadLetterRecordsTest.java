package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.DeadLetter;
import java.util.Arrays;
import java.util.List;
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
            3,
            42,
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

  private static String header(ProducerRecord<byte[], byte[]> record, String name) {
    return new String(record.headers().lastHeader(name).value(), UTF_8);
  }
}

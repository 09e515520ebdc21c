package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import io.spanfold.core.model.TraceKey;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;

class SegmentRecordsTest {

  private final SegmentRecords records = new SegmentRecords("segments", "outcomes");

  @Test
  void aMessageHasItsTraceAsKeyAndItsPlaceInHeaders() {
    Random random = new Random(3);
    for (int round = 0; round < 1_000; round++) {
      TraceKey trace =
          new TraceKey(
              random.nextLong(0, Long.MAX_VALUE) >>> random.nextInt(63),
              random.nextLong(),
              random.nextLong());
      FlushReason reason = FlushReason.values()[random.nextInt(FlushReason.values().length)];
      int part = random.nextInt() >>> random.nextInt(1, 32);
      int chunk = random.nextInt() >>> random.nextInt(1, 32);
      int chunks = random.nextInt() >>> random.nextInt(1, 32);

      ProducerRecord<byte[], byte[]> record = record(trace, reason, part, chunk, chunks);

      assertThat(record.topic()).isEqualTo("segments");
      assertThat(new String(record.key(), UTF_8)).isEqualTo(trace.toString());
      Map<String, String> headers = new LinkedHashMap<>();
      record.headers().forEach(each -> headers.put(each.key(), new String(each.value(), UTF_8)));
      assertThat(headers)
          .containsExactly(
              Map.entry("flush-reason", reason.label()),
              Map.entry("part", Integer.toString(part)),
              Map.entry("chunk", Integer.toString(chunk)),
              Map.entry("chunks", Integer.toString(chunks)));
    }
  }

  @Test
  void aHeaderThatIsAddedToARecordIsInNoOther() {
    TraceKey trace = new TraceKey(1, 2, 3);
    record(trace, FlushReason.IDLE, 0, 0, 1).headers().add("other", new byte[0]);
    assertThat(record(trace, FlushReason.IDLE, 0, 0, 1).headers()).hasSize(4);
  }

  private ProducerRecord<byte[], byte[]> record(
      TraceKey trace, FlushReason reason, int part, int chunk, int chunks) {
    DuePart due = new DuePart(trace, 7, part, reason, 0, false, List.of());
    return records
        .of(
            new FlushedPart(
                List.of(new SegmentMessage("00", new byte[0], chunk, chunks)),
                List.of(),
                new Receipt(due, 1, List.of("00"), new long[0])))
        .get(0);
  }
}

package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import io.spanfold.core.model.Outcome;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.codec.digest.MurmurHash3;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;

/** Lays out flushed parts as Kafka records. Holds no state. */
final class SegmentRecords {

  /** The header of an outcome that names the part it is of. */
  private static final String FLUSH_ID = "flush_id";

  private final String segmentsTopic;
  private final OutcomeRecords outcomes;

  SegmentRecords(String segmentsTopic, String outcomesTopic) {
    this.segmentsTopic = segmentsTopic;
    this.outcomes = new OutcomeRecords(outcomesTopic, FLUSH_ID);
  }

  /** Returns the records of {@code part}: its messages in order, then its outcomes. */
  List<ProducerRecord<byte[], byte[]>> of(FlushedPart part) {
    List<ProducerRecord<byte[], byte[]>> records =
        new ArrayList<>(part.messages().size() + part.outcomes().size());
    byte[] key = part.receipt().trace().toString().getBytes(UTF_8);
    for (SegmentMessage message : part.messages()) {
      records.add(segment(part.receipt(), key, message));
    }
    for (Outcome outcome : part.outcomes()) {
      records.add(outcomes.of(outcome, outcomesId(part.receipt().candidate())));
    }
    return records;
  }

  /** Returns the topics that the records are for. */
  List<String> topics() {
    return List.of(segmentsTopic, outcomes.topic());
  }

  /**
   * Returns the id that all outcomes of a part have, and no other's: 32 hexadecimal digits, a hash
   * of what names the part.
   */
  static String outcomesId(DuePart part) {
    long[] hash =
        MurmurHash3.hash128x64(
            ByteBuffer.allocate(5 * Long.BYTES + Integer.BYTES)
                .putLong(part.trace().projectId())
                .putLong(part.trace().traceHigh())
                .putLong(part.trace().traceLow())
                .putLong(part.segmentId())
                .putInt(part.partNumber())
                // Numbers begin again where a segment was forgotten; the time does not.
                .putLong(part.dueAt())
                .array());
    return Hex.id(hash[0]) + Hex.id(hash[1]);
  }

  /** Returns the id that an outcome's headers tell; null for any other record. */
  String outcomesId(Headers headers) {
    return outcomes.id(headers);
  }

  private ProducerRecord<byte[], byte[]> segment(
      Receipt receipt, byte[] key, SegmentMessage message) {
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(segmentsTopic, key, message.value());
    Headers headers = record.headers();
    headers.add("flush-reason", receipt.reason().label().getBytes(UTF_8));
    headers.add("part", text(receipt.partNumber()));
    headers.add("chunk", text(message.chunkNumber()));
    headers.add("chunks", text(message.chunkCount()));
    return record;
  }

  private static byte[] text(long number) {
    return Long.toString(number).getBytes(UTF_8);
  }
}

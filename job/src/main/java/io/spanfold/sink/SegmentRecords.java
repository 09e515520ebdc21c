package io.spanfold.sink;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.spanfold.model.FlushedPart;
import io.spanfold.model.FlushedPart.Receipt;
import io.spanfold.model.FlushedPart.SegmentMessage;
import io.spanfold.model.Hex;
import io.spanfold.model.Outcome;
import io.spanfold.model.PartCandidate;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.commons.codec.digest.MurmurHash3;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;

/** Lays out flushed parts as Kafka records. Holds no state. */
final class SegmentRecords {

  /** The header of an outcome that names the part it is of. */
  private static final String FLUSH_ID = "flush_id";

  private static final JsonFactory JSON = new JsonFactory();

  /** Of outcomes: the spans were invalid, that is, not to be had any more. */
  private static final int OUTCOME_INVALID = 3;

  /** Of outcomes: what is counted are indexed spans. */
  private static final int CATEGORY_INDEXED_SPAN = 16;

  private final String segmentsTopic;
  private final String outcomesTopic;

  SegmentRecords(String segmentsTopic, String outcomesTopic) {
    this.segmentsTopic = segmentsTopic;
    this.outcomesTopic = outcomesTopic;
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
      byte[] project = text(outcome.projectId());
      ProducerRecord<byte[], byte[]> record =
          new ProducerRecord<>(outcomesTopic, project, json(outcome));
      record.headers().add(FLUSH_ID, outcomesId(part.receipt().candidate()).getBytes(US_ASCII));
      records.add(record);
    }
    return records;
  }

  /** Returns the topics that the records are for. */
  List<String> topics() {
    return List.of(segmentsTopic, outcomesTopic);
  }

  /**
   * Returns the id that all outcomes of a part have, and no other's: 32 hexadecimal digits, a hash
   * of what names the part.
   */
  static String outcomesId(PartCandidate part) {
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
  static String outcomesId(Headers headers) {
    Header id = headers.lastHeader(FLUSH_ID);
    return id == null ? null : new String(id.value(), US_ASCII);
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

  private static byte[] json(Outcome outcome) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(160);
    try (JsonGenerator json = JSON.createGenerator(out)) {
      json.writeStartObject();
      json.writeStringField("timestamp", Instant.ofEpochMilli(outcome.timestamp()).toString());
      json.writeNumberField("org_id", outcome.organizationId());
      json.writeNumberField("project_id", outcome.projectId());
      json.writeNumberField("outcome", OUTCOME_INVALID);
      json.writeStringField("reason", label(outcome.reason()));
      json.writeNumberField("category", CATEGORY_INDEXED_SPAN);
      json.writeNumberField("quantity", outcome.quantity());
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // writing to memory does not fail
    }
    return out.toByteArray();
  }

  private static String label(Outcome.Reason reason) {
    return reason.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static byte[] text(long number) {
    return Long.toString(number).getBytes(UTF_8);
  }
}

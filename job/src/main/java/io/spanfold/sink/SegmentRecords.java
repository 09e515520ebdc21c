package io.spanfold.sink;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.spanfold.model.FlushedPart;
import io.spanfold.model.FlushedPart.Receipt;
import io.spanfold.model.FlushedPart.SegmentMessage;
import io.spanfold.model.Outcome;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;

/** Lays out flushed parts as Kafka records. Holds no state. */
final class SegmentRecords {

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
      records.add(new ProducerRecord<>(outcomesTopic, project, json(outcome)));
    }
    return records;
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

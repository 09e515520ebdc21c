package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.spanfold.core.model.Outcome;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.Locale;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;

/**
 * Writes outcomes as Kafka records: the project as key, and a header with the id for searches.
 *
 * @param topic the topic of outcomes
 * @param idHeader the name of the header
 */
record OutcomeRecords(String topic, String idHeader) implements Serializable {

  private static final JsonFactory JSON = new JsonFactory();

  /** The outcome "invalid": the spans are unavailable, or unwanted. */
  private static final int OUTCOME_INVALID = 3;

  /** The category "indexed span". */
  private static final int CATEGORY_INDEXED_SPAN = 16;

  ProducerRecord<byte[], byte[]> of(Outcome outcome, String id) {
    byte[] project =
        outcome.projectId() == Outcome.UNKNOWN
            ? null
            : Long.toString(outcome.projectId()).getBytes(UTF_8);
    ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, project, json(outcome));
    record.headers().add(idHeader, id.getBytes(US_ASCII));
    return record;
  }

  /** Returns the id in a record's headers; null if there is none. */
  String id(Headers headers) {
    Header id = headers.lastHeader(idHeader);
    return id == null ? null : new String(id.value(), US_ASCII);
  }

  private static byte[] json(Outcome outcome) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(160);
    try (JsonGenerator json = JSON.createGenerator(out)) {
      json.writeStartObject();
      json.writeStringField("timestamp", Instant.ofEpochMilli(outcome.timestamp()).toString());
      if (outcome.projectId() != Outcome.UNKNOWN) {
        json.writeNumberField("org_id", outcome.organizationId());
        json.writeNumberField("project_id", outcome.projectId());
      }
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
}

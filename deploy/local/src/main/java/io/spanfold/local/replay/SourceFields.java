package io.spanfold.local.replay;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.spanfold.local.kafka.UnlimitedJson;
import java.io.IOException;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The fields of a source record that decide how it is sent.
 *
 * @param traceId the trace id's text; empty if the record has none
 * @param spanKey project, trace id and span id, equal for records of the same span however they
 *     write the ids
 * @param receivedMillis when it was received, in epoch ms; empty if the record does not say
 */
record SourceFields(
    Optional<String> traceId, Optional<String> spanKey, OptionalLong receivedMillis) {

  /** No field at all. */
  static final SourceFields NONE =
      new SourceFields(Optional.empty(), Optional.empty(), OptionalLong.empty());

  /** The end of the year 9999. */
  private static final long MAX_MILLIS = 253_402_300_799_999L;

  /** Parses a line. One that is not a JSON object has none of the fields. */
  static SourceFields of(byte[] line) {
    try (JsonParser parser = UnlimitedJson.FACTORY.createParser(line)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return NONE;
      }
      return read(parser);
    } catch (IOException | NumberFormatException e) {
      return NONE;
    }
  }

  private static SourceFields read(JsonParser parser) throws IOException {
    String project = null;
    String trace = null;
    String span = null;
    OptionalLong received = OptionalLong.empty();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      JsonToken value = parser.nextToken();
      switch (name) {
        case "project_id" -> project = value.isScalarValue() ? parser.getText() : null;
        case "trace_id" -> trace = value == JsonToken.VALUE_STRING ? parser.getText() : null;
        case "span_id" -> span = value == JsonToken.VALUE_STRING ? parser.getText() : null;
        case "received" -> {
          received = value.isNumeric() ? millis(parser.getDoubleValue()) : OptionalLong.empty();
        }
        default -> parser.skipChildren();
      }
      if (value.isStructStart() && parser.currentToken() == value) {
        parser.skipChildren();
      }
    }
    String key =
        trace == null || span == null
            ? null
            : (project + ":" + trace.replace("-", "") + ":" + span).toLowerCase(Locale.ROOT);
    return new SourceFields(Optional.ofNullable(trace), Optional.ofNullable(key), received);
  }

  /** Kafka refuses negative timestamps; values out of range are ignored. */
  private static OptionalLong millis(double seconds) {
    double millis = Math.rint(seconds * 1_000);
    return millis >= 0 && millis <= MAX_MILLIS
        ? OptionalLong.of((long) millis)
        : OptionalLong.empty();
  }
}

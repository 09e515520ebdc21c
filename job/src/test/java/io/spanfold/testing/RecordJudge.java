package io.spanfold.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Decides in the plainest way whether a record is a span: it parses all of it into a tree. It does
 * not look for duplicate fields or limit the depth.
 */
final class RecordJudge {

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
  private static final Pattern ID = Pattern.compile("[0-9a-fA-F]{16}");
  private static final Pattern TRACE_ID =
      Pattern.compile(
          "[0-9a-fA-F]{32}"
              + "|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}");

  private RecordJudge() {}

  /**
   * The outcome of a record.
   *
   * @param reasons the permitted reasons for rejection; several if the parser may meet either the
   *     broken byte or the field that contains it first; none if it is accepted
   * @param span the span that it is; null if it is rejected
   */
  record Verdict(Set<String> reasons, Span span) {}

  static Verdict judge(byte[] value, long timestamp, long offset) {
    JsonNode record;
    try {
      record = JSON.readTree(UTF_8.newDecoder().decode(ByteBuffer.wrap(value)).toString());
    } catch (CharacterCodingException e) {
      return new Verdict(Set.of("bad-utf8"), null);
    } catch (JsonProcessingException e) {
      return new Verdict(Set.of("malformed-json", "invalid-field"), null);
    }
    if (!record.isObject()) {
      return new Verdict(Set.of("malformed-json"), null);
    }
    JsonNode parent = record.path("parent_span_id");
    JsonNode isSegment = record.path("is_segment");
    JsonNode attributes = record.path("attributes");
    JsonNode segment = attributes.path("sentry.segment.id");
    JsonNode given = segment.path("value");
    String trace = text(record.path("trace_id")).replace("-", "");
    boolean good =
        isNumber(record.path("project_id"))
            && isNumber(record.path("organization_id"))
            && TRACE_ID.matcher(text(record.path("trace_id"))).matches()
            && !trace.matches("0*")
            && isId(record.path("span_id"))
            && !isNoId(record.path("span_id"))
            && record.path("end_timestamp").isNumber()
            && (isNoId(parent) || isId(parent))
            && (isNothing(isSegment) || isSegment.isBoolean())
            && (isNothing(attributes) || attributes.isObject())
            && (isNothing(segment) || segment.isObject())
            && (isNoId(given) || isId(given));
    if (!good) {
      return new Verdict(Set.of("invalid-field"), null);
    }
    TraceKey key =
        new TraceKey(
            record.path("project_id").longValue(),
            Long.parseUnsignedLong(trace, 0, 16, 16),
            Long.parseUnsignedLong(trace, 16, 32, 16));
    boolean root = isNoId(parent) || isSegment.booleanValue();
    JsonNode above =
        List.of(record.path("span_id"), given, parent).get(root ? 0 : isNoId(given) ? 2 : 1);
    return new Verdict(
        Set.of(), Spans.span(key, id(record.path("span_id")), id(above), root, timestamp, offset));
  }

  private static boolean isNumber(JsonNode node) {
    return node.isIntegralNumber() && node.canConvertToLong() && node.longValue() >= 0;
  }

  private static boolean isNothing(JsonNode node) {
    return node.isMissingNode() || node.isNull();
  }

  private static boolean isNoId(JsonNode node) {
    return isNothing(node) || node.isTextual() && node.textValue().matches("|0{16}");
  }

  private static boolean isId(JsonNode node) {
    return ID.matcher(text(node)).matches();
  }

  private static long id(JsonNode node) {
    return Long.parseUnsignedLong(node.textValue(), 16);
  }

  private static String text(JsonNode node) {
    return node.isTextual() ? node.textValue() : "";
  }
}

package io.spanfold.core.format;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.StampPoints.SegmentIdEdit;
import java.io.IOException;
import java.util.regex.Pattern;

/**
 * Reads a record token by token, and reports its first flaw. For records that {@link RecordScanner}
 * leaves undecided.
 */
final class TokenReader {

  private static final String PROJECT_ID = "project_id";
  private static final String ORGANIZATION_ID = "organization_id";
  private static final String TRACE_ID = "trace_id";
  private static final String SPAN_ID = "span_id";
  private static final String PARENT_SPAN_ID = "parent_span_id";
  private static final String IS_SEGMENT = "is_segment";
  private static final String END_TIMESTAMP = "end_timestamp";
  private static final String ATTRIBUTES = "attributes";
  private static final String SEGMENT_ID = "sentry.segment.id";
  private static final String SEGMENT_ID_PATH = "attributes[\"sentry.segment.id\"]";
  private static final String SEGMENT_ID_VALUE_PATH = SEGMENT_ID_PATH + ".value";

  private static final String AN_INTEGER = "an integer from 0 to 9223372036854775807";
  private static final String A_TRACE_ID =
      "32 hexadecimal digits, or 36 characters with dashes as 8-4-4-4-12, not all zero";
  private static final String A_SPAN_ID = "16 hexadecimal digits, not all zero";
  private static final String AN_OPTIONAL_ID = "16 hexadecimal digits, empty or null";

  private static final int MAX_LONG_DIGITS = 19;

  /** An all-zero id, which W3C Trace Context and OpenTelemetry define as no id. */
  private static final long NO_ID = 0;

  private static final Pattern ID = Pattern.compile("\\p{XDigit}{16}");
  private static final Pattern TRACE_ID_FORM =
      Pattern.compile("\\p{XDigit}{32}|\\p{XDigit}{8}(-\\p{XDigit}{4}){3}-\\p{XDigit}{12}");
  private static final int MAX_ID_LENGTH = 36;

  private final JsonParser json;

  private final RecordFields fields = new RecordFields();

  private TokenReader(JsonParser json) {
    this.json = json;
  }

  /**
   * Reads an object up to its closing brace; missing fields are left to {@link #requireAll}.
   *
   * @param json at the opening brace, which is the first byte of its input
   */
  static RecordFields read(JsonParser json) throws IOException, RejectedRecordException {
    TokenReader reader = new TokenReader(json);
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      reader.readField(json.currentName());
    }
    return reader.fields;
  }

  /**
   * Checks that all required fields were read.
   *
   * @throws RejectedRecordException with the first that is missing
   */
  static void requireAll(RecordFields fields) throws RejectedRecordException {
    require(fields, RecordFields.SAW_PROJECT_ID, PROJECT_ID, AN_INTEGER);
    require(fields, RecordFields.SAW_ORGANIZATION_ID, ORGANIZATION_ID, AN_INTEGER);
    require(fields, RecordFields.SAW_TRACE_ID, TRACE_ID, A_TRACE_ID);
    require(fields, RecordFields.SAW_SPAN_ID, SPAN_ID, A_SPAN_ID);
    require(fields, RecordFields.SAW_END_TIMESTAMP, END_TIMESTAMP, "a number");
  }

  private void readField(String name) throws IOException, RejectedRecordException {
    JsonToken token = json.nextToken();
    switch (name) {
      case PROJECT_ID -> {
        once(RecordFields.SAW_PROJECT_ID, name);
        fields.projectId = integer(token, name);
      }
      case ORGANIZATION_ID -> {
        once(RecordFields.SAW_ORGANIZATION_ID, name);
        fields.organizationId = integer(token, name);
      }
      case TRACE_ID -> {
        once(RecordFields.SAW_TRACE_ID, name);
        readTraceId(token);
      }
      case SPAN_ID -> {
        once(RecordFields.SAW_SPAN_ID, name);
        readSpanId(token);
      }
      case PARENT_SPAN_ID -> {
        once(RecordFields.SAW_PARENT_SPAN_ID, name);
        fields.parentSpanId = optionalId(token, name);
        fields.hasParent = fields.parentSpanId != NO_ID;
      }
      case IS_SEGMENT -> {
        once(RecordFields.SAW_IS_SEGMENT, name);
        readIsSegment(token);
      }
      case END_TIMESTAMP -> {
        once(RecordFields.SAW_END_TIMESTAMP, name);
        if (!token.isNumeric()) {
          throw invalid(name, "a number", token);
        }
      }
      case ATTRIBUTES -> {
        once(RecordFields.SAW_ATTRIBUTES, name);
        readAttributes(token);
      }
      default -> json.skipChildren();
    }
  }

  private void readIsSegment(JsonToken token) throws IOException, RejectedRecordException {
    if (!token.isBoolean() && token != JsonToken.VALUE_NULL) {
      throw invalid(IS_SEGMENT, "true, false or null", token);
    }
    fields.isSegment = token == JsonToken.VALUE_TRUE;
    fields.isSegmentAt(tokenStart(), tokenStart() + token.asString().length());
  }

  private void readAttributes(JsonToken token) throws IOException, RejectedRecordException {
    if (token == JsonToken.VALUE_NULL) {
      fields.edit(
          SegmentIdEdit.REPLACE_NULL_ATTRIBUTES,
          tokenStart(),
          tokenStart() + RecordFields.NULL_LENGTH);
      return;
    }
    if (token != JsonToken.START_OBJECT) {
      throw invalid(ATTRIBUTES, "an object or null", token);
    }
    int afterBrace = tokenStart() + 1;
    fields.edit(SegmentIdEdit.ADD_ONLY_MEMBER, afterBrace, afterBrace);
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      if (json.currentName().equals(SEGMENT_ID)) {
        once(RecordFields.SAW_SEGMENT_ID, SEGMENT_ID_PATH);
        readSegmentId(json.nextToken());
      } else {
        fields.otherAttribute();
        json.nextToken();
        json.skipChildren();
      }
    }
  }

  private void readSegmentId(JsonToken token) throws IOException, RejectedRecordException {
    int start = tokenStart();
    if (token == JsonToken.VALUE_NULL) {
      fields.edit(SegmentIdEdit.REPLACE_MEMBER, start, start + RecordFields.NULL_LENGTH);
      return;
    }
    if (token != JsonToken.START_OBJECT) {
      throw invalid(SEGMENT_ID_PATH, "an object or null", token);
    }
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      boolean value = json.currentName().equals("value");
      JsonToken member = json.nextToken();
      if (value) {
        once(RecordFields.SAW_SEGMENT_ID_VALUE, SEGMENT_ID_VALUE_PATH);
        fields.segmentId = optionalId(member, SEGMENT_ID_VALUE_PATH);
        fields.hasSegmentId = fields.segmentId != NO_ID;
      } else {
        json.skipChildren();
      }
    }
    if (fields.hasSegmentId) {
      fields.edit(SegmentIdEdit.KEEP, 0, 0);
    } else {
      fields.edit(
          SegmentIdEdit.REPLACE_MEMBER, start, (int) json.currentLocation().getByteOffset());
    }
  }

  private long integer(JsonToken token, String field) throws IOException, RejectedRecordException {
    if (token != JsonToken.VALUE_NUMBER_INT) {
      throw invalid(field, AN_INTEGER, token);
    }
    int length = json.getTextLength();
    char[] text = json.getTextCharacters();
    int from = json.getTextOffset();
    long value = 0;
    if (text[from] != '-' && length <= MAX_LONG_DIGITS) {
      for (int i = from; i < from + length; i++) {
        value = value * 10 + (text[i] - '0');
      }
    } else {
      value = -1;
    }
    // Nineteen digits are less than 2^64: a value too large for a long is negative here.
    if (value < 0) {
      throw invalid(field, AN_INTEGER, token);
    }
    return value;
  }

  private void readSpanId(JsonToken token) throws IOException, RejectedRecordException {
    String text = shortText(token);
    if (!ID.matcher(text).matches() || Hex.parseId(text) == NO_ID) {
      throw invalid(SPAN_ID, A_SPAN_ID, token);
    }
    fields.spanId = Hex.parseId(text);
  }

  /** Returns {@link #NO_ID} for null and for an empty or all-zero id. */
  private long optionalId(JsonToken token, String field)
      throws IOException, RejectedRecordException {
    String text = shortText(token);
    if (ID.matcher(text).matches()) {
      return Hex.parseId(text);
    }
    boolean isEmpty = token == JsonToken.VALUE_STRING && json.getTextLength() == 0;
    if (isEmpty || token == JsonToken.VALUE_NULL) {
      return NO_ID;
    }
    throw invalid(field, AN_OPTIONAL_ID, token);
  }

  private void readTraceId(JsonToken token) throws IOException, RejectedRecordException {
    String text = shortText(token);
    if (!TRACE_ID_FORM.matcher(text).matches()) {
      throw invalid(TRACE_ID, A_TRACE_ID, token);
    }
    String digits = text.replace("-", "");
    fields.traceHigh = Hex.parseId(digits.substring(0, 16));
    fields.traceLow = Hex.parseId(digits.substring(16));
    if ((fields.traceHigh | fields.traceLow) == NO_ID) {
      throw invalid(TRACE_ID, A_TRACE_ID, token);
    }
  }

  /** Returns the text of a string; an empty one if it is longer than any id, or no string. */
  private String shortText(JsonToken token) throws IOException {
    return token == JsonToken.VALUE_STRING && json.getTextLength() <= MAX_ID_LENGTH
        ? json.getText()
        : "";
  }

  private int tokenStart() {
    return (int) json.currentTokenLocation().getByteOffset();
  }

  private void once(int bit, String field) throws RejectedRecordException {
    if (!fields.see(bit)) {
      throw new RejectedRecordException(
          RejectReason.DUPLICATE_FIELD, field + " occurs twice; expected it once");
    }
  }

  private static void require(RecordFields fields, int bit, String field, String expected)
      throws RejectedRecordException {
    if (!fields.saw(bit)) {
      throw new RejectedRecordException(
          RejectReason.INVALID_FIELD, field + " is missing; expected " + expected);
    }
  }

  private RejectedRecordException invalid(String field, String expected, JsonToken token)
      throws IOException {
    String found =
        switch (token) {
          case START_OBJECT -> "an object";
          case START_ARRAY -> "an array";
          case VALUE_STRING -> '"' + Excerpt.of(json) + '"';
          default -> Excerpt.of(json);
        };
    return new RejectedRecordException(
        RejectReason.INVALID_FIELD, field + " is " + found + "; expected " + expected);
  }
}

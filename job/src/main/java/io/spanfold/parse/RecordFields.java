package io.spanfold.parse;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.spanfold.model.StampPoints;
import io.spanfold.model.StampPoints.SegmentIdEdit;
import io.spanfold.model.TraceKey;
import java.io.IOException;

/** The fields of one record that are used, gathered in one pass over its tokens. */
final class RecordFields {

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
      "32 hexadecimal digits, or 36 characters with dashes as 8-4-4-4-12";
  private static final String AN_ID = "16 hexadecimal digits";

  private static final int SAW_PROJECT_ID = 1;
  private static final int SAW_ORGANIZATION_ID = 1 << 1;
  private static final int SAW_TRACE_ID = 1 << 2;
  private static final int SAW_SPAN_ID = 1 << 3;
  private static final int SAW_PARENT_SPAN_ID = 1 << 4;
  private static final int SAW_IS_SEGMENT = 1 << 5;
  private static final int SAW_END_TIMESTAMP = 1 << 6;
  private static final int SAW_ATTRIBUTES = 1 << 7;
  private static final int SAW_SEGMENT_ID = 1 << 8;
  private static final int SAW_SEGMENT_ID_VALUE = 1 << 9;

  private static final int MAX_LONG_DIGITS = 19;
  private static final int NULL_LENGTH = 4;

  /** What is added to a record goes here: behind the brace that is its first byte. */
  private static final int AFTER_BRACE = 1;

  private final JsonParser json;

  private int seen;
  private long projectId;
  private long organizationId;
  private long traceHigh;
  private long traceLow;
  private long spanId;
  private boolean hasParent;
  private long parentSpanId;
  private boolean isSegment;
  private int isSegmentStart = AFTER_BRACE;
  private int isSegmentEnd = AFTER_BRACE;
  private boolean hasSegmentId;
  private long segmentId;
  private SegmentIdEdit segmentIdEdit = SegmentIdEdit.ADD_ATTRIBUTES;
  private int segmentIdStart = AFTER_BRACE;
  private int segmentIdEnd = AFTER_BRACE;

  private RecordFields(JsonParser json) {
    this.json = json;
  }

  /**
   * Reads the object on whose brace, the first byte of its input, {@code json} stands, up to its
   * closing brace. Whether anything is missing is for {@link #requireAll} to say.
   */
  static RecordFields read(JsonParser json) throws IOException, RejectedRecordException {
    RecordFields fields = new RecordFields(json);
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      fields.readField(json.currentName());
    }
    return fields;
  }

  void requireAll() throws RejectedRecordException {
    require(SAW_PROJECT_ID, PROJECT_ID, AN_INTEGER);
    require(SAW_ORGANIZATION_ID, ORGANIZATION_ID, AN_INTEGER);
    require(SAW_TRACE_ID, TRACE_ID, A_TRACE_ID);
    require(SAW_SPAN_ID, SPAN_ID, AN_ID);
    require(SAW_END_TIMESTAMP, END_TIMESTAMP, "a number");
  }

  TraceKey trace() {
    return new TraceKey(projectId, traceHigh, traceLow);
  }

  long spanId() {
    return spanId;
  }

  long organizationId() {
    return organizationId;
  }

  boolean root() {
    return !hasParent || isSegment;
  }

  long parentId() {
    if (root()) {
      return spanId;
    }
    return hasSegmentId ? segmentId : parentSpanId;
  }

  StampPoints stampPoints() {
    return new StampPoints(
        isSegmentStart, isSegmentEnd, segmentIdStart, segmentIdEnd, segmentIdEdit);
  }

  private void readField(String name) throws IOException, RejectedRecordException {
    JsonToken token = json.nextToken();
    switch (name) {
      case PROJECT_ID -> {
        once(SAW_PROJECT_ID, name);
        projectId = integer(token, name);
      }
      case ORGANIZATION_ID -> {
        once(SAW_ORGANIZATION_ID, name);
        organizationId = integer(token, name);
      }
      case TRACE_ID -> {
        once(SAW_TRACE_ID, name);
        readTraceId(token);
      }
      case SPAN_ID -> {
        once(SAW_SPAN_ID, name);
        spanId = id(token, name, AN_ID);
      }
      case PARENT_SPAN_ID -> {
        once(SAW_PARENT_SPAN_ID, name);
        if (token != JsonToken.VALUE_NULL) {
          parentSpanId = id(token, name, AN_ID + " or null");
          hasParent = true;
        }
      }
      case IS_SEGMENT -> {
        once(SAW_IS_SEGMENT, name);
        readIsSegment(token);
      }
      case END_TIMESTAMP -> {
        once(SAW_END_TIMESTAMP, name);
        if (!token.isNumeric()) {
          throw invalid(name, "a number", token);
        }
      }
      case ATTRIBUTES -> {
        once(SAW_ATTRIBUTES, name);
        readAttributes(token);
      }
      default -> json.skipChildren();
    }
  }

  private void readIsSegment(JsonToken token) throws IOException, RejectedRecordException {
    if (!token.isBoolean() && token != JsonToken.VALUE_NULL) {
      throw invalid(IS_SEGMENT, "true, false or null", token);
    }
    isSegment = token == JsonToken.VALUE_TRUE;
    isSegmentStart = tokenStart();
    isSegmentEnd = isSegmentStart + token.asString().length();
  }

  private void readAttributes(JsonToken token) throws IOException, RejectedRecordException {
    if (token == JsonToken.VALUE_NULL) {
      edit(SegmentIdEdit.REPLACE_NULL_ATTRIBUTES, tokenStart(), tokenStart() + NULL_LENGTH);
      return;
    }
    if (token != JsonToken.START_OBJECT) {
      throw invalid(ATTRIBUTES, "an object or null", token);
    }
    int afterBrace = tokenStart() + 1;
    edit(SegmentIdEdit.ADD_ONLY_MEMBER, afterBrace, afterBrace);
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      if (json.currentName().equals(SEGMENT_ID)) {
        once(SAW_SEGMENT_ID, SEGMENT_ID_PATH);
        readSegmentId(json.nextToken());
      } else {
        if (segmentIdEdit == SegmentIdEdit.ADD_ONLY_MEMBER) {
          segmentIdEdit = SegmentIdEdit.ADD_FIRST_MEMBER;
        }
        json.nextToken();
        json.skipChildren();
      }
    }
  }

  private void readSegmentId(JsonToken token) throws IOException, RejectedRecordException {
    int start = tokenStart();
    if (token == JsonToken.VALUE_NULL) {
      edit(SegmentIdEdit.REPLACE_MEMBER, start, start + NULL_LENGTH);
      return;
    }
    if (token != JsonToken.START_OBJECT) {
      throw invalid(SEGMENT_ID_PATH, "an object or null", token);
    }
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      boolean value = json.currentName().equals("value");
      JsonToken member = json.nextToken();
      if (value) {
        once(SAW_SEGMENT_ID_VALUE, SEGMENT_ID_VALUE_PATH);
        if (member != JsonToken.VALUE_NULL) {
          segmentId = id(member, SEGMENT_ID_VALUE_PATH, AN_ID + " or null");
          hasSegmentId = true;
        }
      } else {
        json.skipChildren();
      }
    }
    if (hasSegmentId) {
      edit(SegmentIdEdit.KEEP, 0, 0);
    } else {
      edit(SegmentIdEdit.REPLACE_MEMBER, start, (int) json.currentLocation().getByteOffset());
    }
  }

  private void edit(SegmentIdEdit edit, int start, int end) {
    segmentIdEdit = edit;
    segmentIdStart = start;
    segmentIdEnd = end;
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
    // Nineteen digits are less than 2^64: too much for a long, they wrap to below zero once.
    if (value < 0) {
      throw invalid(field, AN_INTEGER, token);
    }
    return value;
  }

  private long id(JsonToken token, String field, String expected)
      throws IOException, RejectedRecordException {
    if (token == JsonToken.VALUE_STRING) {
      int length = json.getTextLength();
      char[] text = json.getTextCharacters();
      int from = json.getTextOffset();
      if (IdDigits.isId(text, from, length)) {
        return IdDigits.read(text, from, 0);
      }
    }
    throw invalid(field, expected, token);
  }

  private void readTraceId(JsonToken token) throws IOException, RejectedRecordException {
    if (token == JsonToken.VALUE_STRING) {
      int length = json.getTextLength();
      char[] text = json.getTextCharacters();
      int from = json.getTextOffset();
      if (IdDigits.isTraceId(text, from, length)) {
        traceHigh = IdDigits.read(text, from, 0);
        traceLow = IdDigits.read(text, from, 16);
        return;
      }
    }
    throw invalid(TRACE_ID, A_TRACE_ID, token);
  }

  private int tokenStart() {
    return (int) json.currentTokenLocation().getByteOffset();
  }

  private void once(int bit, String field) throws RejectedRecordException {
    if ((seen & bit) != 0) {
      throw new RejectedRecordException(
          RejectReason.DUPLICATE_FIELD, field + " occurs twice; expected it once");
    }
    seen |= bit;
  }

  private void require(int bit, String field, String expected) throws RejectedRecordException {
    if ((seen & bit) == 0) {
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

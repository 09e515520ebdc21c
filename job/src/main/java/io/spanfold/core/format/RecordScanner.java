package io.spanfold.core.format;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.core.model.StampPoints.SegmentIdEdit;
import java.util.Arrays;

/**
 * Reads a record straight from its bytes. A token parser spends most of its time on decoding the
 * names of unused fields; here a name is a run of bytes up to a quote.
 *
 * <p>If a record is unusual (a name with an escape, a field twice, a large number, anything that is
 * not JSON), it neither accepts nor rejects it, and {@link TokenReader} decides. So it reports no
 * errors, and has one rule to keep: every record that it accepts, {@link TokenReader} accepts as
 * the same span.
 *
 * <p>Not thread-safe; to be used again for every record.
 */
final class RecordScanner extends JsonScanner {

  private static final byte[] PROJECT_ID = "project_id".getBytes(US_ASCII);
  private static final byte[] ORGANIZATION_ID = "organization_id".getBytes(US_ASCII);
  private static final byte[] TRACE_ID = "trace_id".getBytes(US_ASCII);
  private static final byte[] SPAN_ID = "span_id".getBytes(US_ASCII);
  private static final byte[] PARENT_SPAN_ID = "parent_span_id".getBytes(US_ASCII);
  private static final byte[] IS_SEGMENT = "is_segment".getBytes(US_ASCII);
  private static final byte[] END_TIMESTAMP = "end_timestamp".getBytes(US_ASCII);
  private static final byte[] ATTRIBUTES = "attributes".getBytes(US_ASCII);
  private static final byte[] SEGMENT_ID = "sentry.segment.id".getBytes(US_ASCII);
  private static final byte[] VALUE = "value".getBytes(US_ASCII);

  private static final int ID_DIGITS = 16;
  private static final int TRACE_ID_DIGITS = 32;

  /** The value of a hexadecimal digit, -1 for every other byte. */
  private static final byte[] DIGITS = new byte[256];

  static {
    Arrays.fill(DIGITS, (byte) -1);
    for (int digit = 0; digit < 16; digit++) {
      DIGITS[Character.forDigit(digit, 16)] = (byte) digit;
      DIGITS[Character.toUpperCase(Character.forDigit(digit, 16))] = (byte) digit;
    }
  }

  /** The objects whose members are looked at. */
  private enum Scope {
    RECORD,
    ATTRIBUTES,
    SEGMENT_ID
  }

  private int start;

  /** The last 32 hexadecimal digits that were read. */
  private long high;

  private long low;

  private RecordFields fields;

  /**
   * Reads a record.
   *
   * @param value its bytes, which are valid UTF-8
   * @param from the index of its brace
   * @param to the index after its last byte
   * @return its fields; null if undecided
   */
  RecordFields scan(byte[] value, int from, int to) {
    bytes = value;
    start = from;
    end = to;
    at = from;
    fields = new RecordFields();
    boolean sure = scanObject(Scope.RECORD) && at == end && fields.complete();
    RecordFields found = fields;
    // Not kept in memory until the next record.
    bytes = null;
    fields = null;
    return sure ? found : null;
  }

  private boolean scanObject(Scope scope) {
    if (!take('{')) {
      return false;
    }
    skipSpace();
    if (take('}')) {
      return true;
    }
    do {
      if (!scanName() || !scanMember(scope)) {
        return false;
      }
      skipSpace();
    } while (take(',') && skipSpace());
    return take('}');
  }

  /** Scans the value of the member whose name was scanned last. */
  private boolean scanMember(Scope scope) {
    return switch (scope) {
      case RECORD -> scanField();
      case ATTRIBUTES -> scanAttribute();
      case SEGMENT_ID -> scanSegmentIdMember();
    };
  }

  private boolean scanField() {
    switch (textEnd - textStart) {
      case 7 -> {
        if (isName(SPAN_ID)) {
          return fields.see(RecordFields.SAW_SPAN_ID) && scanSpanId();
        }
      }
      case 8 -> {
        if (isName(TRACE_ID)) {
          return fields.see(RecordFields.SAW_TRACE_ID) && scanTraceId();
        }
      }
      case 10 -> {
        if (isName(PROJECT_ID)) {
          return fields.see(RecordFields.SAW_PROJECT_ID) && scanProjectId();
        }
        if (isName(IS_SEGMENT)) {
          return fields.see(RecordFields.SAW_IS_SEGMENT) && scanIsSegment();
        }
        if (isName(ATTRIBUTES)) {
          return fields.see(RecordFields.SAW_ATTRIBUTES) && scanAttributes();
        }
      }
      case 13 -> {
        if (isName(END_TIMESTAMP)) {
          return fields.see(RecordFields.SAW_END_TIMESTAMP) && skipNumber();
        }
      }
      case 14 -> {
        if (isName(PARENT_SPAN_ID)) {
          return fields.see(RecordFields.SAW_PARENT_SPAN_ID) && scanParentSpanId();
        }
      }
      case 15 -> {
        if (isName(ORGANIZATION_ID)) {
          return fields.see(RecordFields.SAW_ORGANIZATION_ID) && scanOrganizationId();
        }
      }
      default -> {
        // No name that is used has this length.
      }
    }
    return skipValue(1);
  }

  private boolean scanSpanId() {
    boolean sure = scanId();
    fields.spanId = low;
    return sure && low != 0;
  }

  private boolean scanTraceId() {
    boolean sure = scanString() && scanTraceIdDigits();
    fields.traceHigh = high;
    fields.traceLow = low;
    return sure && (high | low) != 0;
  }

  private boolean scanTraceIdDigits() {
    int from = textStart;
    int length = textEnd - from;
    if (length == TRACE_ID_DIGITS) {
      return scanDigits(from, TRACE_ID_DIGITS);
    }
    return length == TRACE_ID_DIGITS + 4
        && scanDigits(from, 8)
        && bytes[from + 8] == '-'
        && scanDigits(from + 9, 4)
        && bytes[from + 13] == '-'
        && scanDigits(from + 14, 4)
        && bytes[from + 18] == '-'
        && scanDigits(from + 19, 4)
        && bytes[from + 23] == '-'
        && scanDigits(from + 24, 12);
  }

  private boolean scanProjectId() {
    fields.projectId = scanInteger();
    return fields.projectId >= 0;
  }

  private boolean scanOrganizationId() {
    fields.organizationId = scanInteger();
    return fields.organizationId >= 0;
  }

  private boolean scanParentSpanId() {
    if (peek() == 'n') {
      return takeWord(NULL);
    }
    boolean sure = scanOptionalId();
    fields.parentSpanId = low;
    fields.hasParent = low != 0;
    return sure;
  }

  private boolean scanIsSegment() {
    int from = at;
    fields.isSegment = peek() == 't';
    if (!takeWord(TRUE) && !takeWord(FALSE) && !takeWord(NULL)) {
      return false;
    }
    fields.isSegmentAt(from - start, at - start);
    return true;
  }

  private boolean scanAttributes() {
    if (peek() == 'n') {
      fields.edit(
          SegmentIdEdit.REPLACE_NULL_ATTRIBUTES, at - start, at - start + RecordFields.NULL_LENGTH);
      return takeWord(NULL);
    }
    int afterBrace = at + 1 - start;
    fields.edit(SegmentIdEdit.ADD_ONLY_MEMBER, afterBrace, afterBrace);
    return scanObject(Scope.ATTRIBUTES);
  }

  private boolean scanAttribute() {
    if (isName(SEGMENT_ID)) {
      return fields.see(RecordFields.SAW_SEGMENT_ID) && scanSegmentId();
    }
    fields.otherAttribute();
    return skipValue(2);
  }

  private boolean scanSegmentId() {
    int from = at - start;
    if (peek() == 'n') {
      fields.edit(SegmentIdEdit.REPLACE_MEMBER, from, from + RecordFields.NULL_LENGTH);
      return takeWord(NULL);
    }
    if (!scanObject(Scope.SEGMENT_ID)) {
      return false;
    }
    if (fields.hasSegmentId) {
      fields.edit(SegmentIdEdit.KEEP, 0, 0);
    } else {
      fields.edit(SegmentIdEdit.REPLACE_MEMBER, from, at - start);
    }
    return true;
  }

  private boolean scanSegmentIdMember() {
    if (!isName(VALUE)) {
      return skipValue(3);
    }
    if (!fields.see(RecordFields.SAW_SEGMENT_ID_VALUE)) {
      return false;
    }
    if (peek() == 'n') {
      return takeWord(NULL);
    }
    boolean sure = scanOptionalId();
    fields.segmentId = low;
    fields.hasSegmentId = low != 0;
    return sure;
  }

  private boolean scanId() {
    return scanString() && scanIdDigits();
  }

  /** Scans an id that may be empty; {@link #low} is then 0, as it is for an all-zero id. */
  private boolean scanOptionalId() {
    if (!scanString()) {
      return false;
    }
    if (textStart == textEnd) {
      low = 0;
      return true;
    }
    return scanIdDigits();
  }

  private boolean scanIdDigits() {
    return textEnd - textStart == ID_DIGITS && scanDigits(textStart, ID_DIGITS);
  }

  /** Shifts hexadecimal digits into {@link #high} and {@link #low}. */
  private boolean scanDigits(int from, int count) {
    int wrong = 0;
    for (int i = from; i < from + count; i++) {
      int digit = DIGITS[bytes[i] & 0xFF];
      wrong |= digit;
      high = high << 4 | low >>> 60;
      low = low << 4 | digit;
    }
    return wrong >= 0;
  }
}

package io.spanfold.core.format;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.core.model.StampPoints.SegmentIdEdit;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Reads a record straight from its bytes. It checks that all of it is JSON, but decodes nothing: a
 * name that is not used is a run of bytes up to a quote, which is where a parser of tokens spends
 * most of its time.
 *
 * <p>It is sure or it is not. Where a record is anything but usual (a name with an escape, a field
 * twice, a large number, whatever is not JSON) it says nothing about it, and {@link TokenReader} is
 * asked. So it has no errors to tell, and one rule to keep: what it takes, the other takes, as the
 * same span.
 *
 * <p>Not thread-safe; meant to be used again for every record.
 */
final class RecordScanner {

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private static final long ONES = 0x0101010101010101L;
  private static final long HIGH_BITS = 0x8080808080808080L;
  private static final long QUOTES = ONES * '"';
  private static final long BACKSLASHES = ONES * '\\';
  private static final long SPACES = ONES * ' ';

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
  private static final byte[] TRUE = "true".getBytes(US_ASCII);
  private static final byte[] FALSE = "false".getBytes(US_ASCII);
  private static final byte[] NULL = "null".getBytes(US_ASCII);

  /** More digits may not fit into a long. */
  private static final int SURE_DIGITS = 18;

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

  private byte[] bytes;
  private int start;
  private int end;

  /** The next byte to look at. */
  private int at;

  /** Where the last string is, without its quotes, and whether it has an escape. */
  private int textStart;

  private int textEnd;
  private boolean escaped;

  /** The last 32 hexadecimal digits that were read. */
  private long high;

  private long low;

  private RecordFields fields;

  /**
   * Reads a record.
   *
   * @param value its bytes, which are valid UTF-8
   * @param from where its brace is
   * @param to where it ends
   * @return its fields; null where it is not sure
   */
  RecordFields scan(byte[] value, int from, int to) {
    bytes = value;
    start = from;
    end = to;
    at = from;
    fields = new RecordFields();
    boolean sure = scanRecord() && at == end && fields.complete();
    RecordFields found = fields;
    // Neither is kept alive until the next record.
    bytes = null;
    fields = null;
    return sure ? found : null;
  }

  private boolean scanRecord() {
    if (!take('{')) {
      return false;
    }
    skipSpace();
    if (take('}')) {
      return true;
    }
    do {
      if (!scanName() || !scanField()) {
        return false;
      }
      skipSpace();
    } while (take(',') && skipSpace());
    return take('}');
  }

  /** Scans the value of the field whose name was scanned last. */
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
    return sure;
  }

  private boolean scanTraceId() {
    boolean sure = scanString() && scanTraceIdDigits();
    fields.traceHigh = high;
    fields.traceLow = low;
    return sure;
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
    fields.hasParent = true;
    boolean sure = scanId();
    fields.parentSpanId = low;
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
    if (!take('{')) {
      return false;
    }
    fields.edit(SegmentIdEdit.ADD_ONLY_MEMBER, at - start, at - start);
    skipSpace();
    if (take('}')) {
      return true;
    }
    do {
      if (!scanName()) {
        return false;
      }
      if (isName(SEGMENT_ID)) {
        if (!fields.see(RecordFields.SAW_SEGMENT_ID) || !scanSegmentId()) {
          return false;
        }
      } else {
        fields.otherAttribute();
        if (!skipValue(2)) {
          return false;
        }
      }
      skipSpace();
    } while (take(',') && skipSpace());
    return take('}');
  }

  private boolean scanSegmentId() {
    int from = at - start;
    if (peek() == 'n') {
      fields.edit(SegmentIdEdit.REPLACE_MEMBER, from, from + RecordFields.NULL_LENGTH);
      return takeWord(NULL);
    }
    if (!scanSegmentIdMembers()) {
      return false;
    }
    if (fields.hasSegmentId) {
      fields.edit(SegmentIdEdit.KEEP, 0, 0);
    } else {
      fields.edit(SegmentIdEdit.REPLACE_MEMBER, from, at - start);
    }
    return true;
  }

  private boolean scanSegmentIdMembers() {
    if (!take('{')) {
      return false;
    }
    skipSpace();
    if (take('}')) {
      return true;
    }
    do {
      if (!scanName()) {
        return false;
      }
      if (!isName(VALUE)) {
        if (!skipValue(3)) {
          return false;
        }
      } else if (!fields.see(RecordFields.SAW_SEGMENT_ID_VALUE)) {
        return false;
      } else if (peek() == 'n') {
        if (!takeWord(NULL)) {
          return false;
        }
      } else {
        if (!scanId()) {
          return false;
        }
        fields.hasSegmentId = true;
        fields.segmentId = low;
      }
      skipSpace();
    } while (take(',') && skipSpace());
    return take('}');
  }

  /** Scans a name without escapes, its colon, and the space up to its value. */
  private boolean scanName() {
    if (!scanString() || escaped) {
      return false;
    }
    int from = textStart;
    int to = textEnd;
    skipSpace();
    if (!take(':')) {
      return false;
    }
    skipSpace();
    textStart = from;
    textEnd = to;
    return true;
  }

  private boolean isName(byte[] name) {
    return Arrays.equals(bytes, textStart, textEnd, name, 0, name.length);
  }

  /** Returns an integer from 0 on; -1 where it is not sure. */
  private long scanInteger() {
    int from = at;
    long value = 0;
    while (at < end && bytes[at] >= '0' && bytes[at] <= '9') {
      value = value * 10 + (bytes[at++] - '0');
    }
    int digits = at - from;
    byte next = peek();
    boolean sure =
        digits > 0
            && digits <= SURE_DIGITS
            && (digits == 1 || bytes[from] != '0')
            && next != '.'
            && next != 'e'
            && next != 'E';
    return sure ? value : -1;
  }

  private boolean scanId() {
    if (!scanString() || textEnd - textStart != ID_DIGITS) {
      return false;
    }
    return scanDigits(textStart, ID_DIGITS);
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

  /** Skips a value; {@code depth} objects and arrays are open around it. */
  private boolean skipValue(int depth) {
    return switch (peek()) {
      case '"' -> scanString();
      case '{' -> skipObject(depth + 1);
      case '[' -> skipArray(depth + 1);
      case 't' -> takeWord(TRUE);
      case 'f' -> takeWord(FALSE);
      case 'n' -> takeWord(NULL);
      default -> skipNumber();
    };
  }

  private boolean skipObject(int depth) {
    at++;
    if (depth > SpanParser.MAX_DEPTH) {
      return false;
    }
    skipSpace();
    if (take('}')) {
      return true;
    }
    do {
      if (!scanName() || !skipValue(depth)) {
        return false;
      }
      skipSpace();
    } while (take(',') && skipSpace());
    return take('}');
  }

  private boolean skipArray(int depth) {
    at++;
    if (depth > SpanParser.MAX_DEPTH) {
      return false;
    }
    skipSpace();
    if (take(']')) {
      return true;
    }
    do {
      if (!skipValue(depth)) {
        return false;
      }
      skipSpace();
    } while (take(',') && skipSpace());
    return take(']');
  }

  /** RFC 8259, section 6. */
  private boolean skipNumber() {
    take('-');
    if (!take('0') && !skipDigits()) {
      return false;
    }
    if (take('.') && !skipDigits()) {
      return false;
    }
    if (take('e') || take('E')) {
      if (!take('+')) {
        take('-');
      }
      return skipDigits();
    }
    return true;
  }

  private boolean skipDigits() {
    int from = at;
    while (at < end && bytes[at] >= '0' && bytes[at] <= '9') {
      at++;
    }
    return at > from;
  }

  /** Scans a string with its quotes, eight bytes at a time. */
  private boolean scanString() {
    if (!take('"')) {
      return false;
    }
    textStart = at;
    escaped = false;
    while (true) {
      while (at + Long.BYTES <= end) {
        long stop = stops((long) LONGS.get(bytes, at));
        if (stop != 0) {
          at += Long.numberOfTrailingZeros(stop) >>> 3;
          break;
        }
        at += Long.BYTES;
      }
      while (at < end && !isStop(bytes[at])) {
        at++;
      }
      if (at == end || bytes[at] < ' ' && bytes[at] >= 0) {
        return false;
      }
      if (bytes[at] == '"') {
        textEnd = at++;
        return true;
      }
      escaped = true;
      if (!skipEscape()) {
        return false;
      }
    }
  }

  /**
   * Returns a word whose lowest set bit is in the first byte that is a quote, a backslash or a
   * control character; those above mean nothing.
   */
  private static long stops(long word) {
    long quote = word ^ QUOTES;
    long backslash = word ^ BACKSLASHES;
    return ((quote - ONES & ~quote) | (backslash - ONES & ~backslash) | (word - SPACES & ~word))
        & HIGH_BITS;
  }

  private static boolean isStop(byte b) {
    return b == '"' || b == '\\' || b < ' ' && b >= 0;
  }

  private boolean skipEscape() {
    at++;
    byte kind = peek();
    at++;
    return switch (kind) {
      case '"', '\\', '/', 'b', 'f', 'n', 'r', 't' -> true;
      case 'u' -> skipHexDigits(4);
      default -> false;
    };
  }

  private boolean skipHexDigits(int count) {
    for (int i = 0; i < count; i++) {
      if (DIGITS[peek() & 0xFF] < 0) {
        return false;
      }
      at++;
    }
    return true;
  }

  /** Always true, so that it can stand in a condition. */
  private boolean skipSpace() {
    while (at < end
        && (bytes[at] == ' ' || bytes[at] == '\n' || bytes[at] == '\r' || bytes[at] == '\t')) {
      at++;
    }
    return true;
  }

  /** Returns the next byte; 0, which nothing begins with, at the end. */
  private byte peek() {
    return at < end ? bytes[at] : 0;
  }

  private boolean take(char expected) {
    if (at < end && bytes[at] == expected) {
      at++;
      return true;
    }
    return false;
  }

  private boolean takeWord(byte[] word) {
    if (end - at >= word.length
        && Arrays.equals(bytes, at, at + word.length, word, 0, word.length)) {
      at += word.length;
      return true;
    }
    return false;
  }
}

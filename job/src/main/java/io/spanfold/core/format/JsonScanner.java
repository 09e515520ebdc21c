package io.spanfold.core.format;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Scans JSON in a range of bytes, which are valid UTF-8. It checks the syntax but decodes nothing:
 * a string is a run of bytes up to a quote.
 *
 * <p>A method that returns a boolean returns whether it found what it scans; if not, the range is
 * not JSON, or not of the usual form, and the scan is over.
 */
abstract class JsonScanner {

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private static final long ONES = 0x0101010101010101L;
  private static final long HIGH_BITS = 0x8080808080808080L;
  private static final long QUOTES = ONES * '"';
  private static final long BACKSLASHES = ONES * '\\';
  private static final long SPACES = ONES * ' ';

  static final byte[] TRUE = "true".getBytes(US_ASCII);
  static final byte[] FALSE = "false".getBytes(US_ASCII);
  static final byte[] NULL = "null".getBytes(US_ASCII);

  /** More digits may not fit into a long. */
  private static final int SURE_DIGITS = 18;

  byte[] bytes;
  int end;

  /** The next byte to look at. */
  int at;

  /** The range of the last string, without its quotes, and whether it has an escape. */
  int textStart;

  int textEnd;
  boolean escaped;

  /**
   * Scans a name without escapes, its colon, and the space up to its value. The name is the text.
   */
  boolean scanName() {
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

  /** Returns whether the text is {@code name}. */
  boolean isName(byte[] name) {
    return Arrays.equals(bytes, textStart, textEnd, name, 0, name.length);
  }

  /** Returns a number from 0; -1 if it is no integer, or may be too large. */
  long scanInteger() {
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

  /** Skips a value; {@code depth} objects and arrays are open around it. */
  boolean skipValue(int depth) {
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
  boolean skipNumber() {
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
  boolean scanString() {
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
   * control character; the bits above it are undefined.
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
      if (!HexFormat.isHexDigit(peek())) {
        return false;
      }
      at++;
    }
    return true;
  }

  /** Returns true always, for use in a condition. */
  boolean skipSpace() {
    while (at < end
        && (bytes[at] == ' ' || bytes[at] == '\n' || bytes[at] == '\r' || bytes[at] == '\t')) {
      at++;
    }
    return true;
  }

  /** Returns the next byte; 0, with which no token begins, at the end. */
  byte peek() {
    return at < end ? bytes[at] : 0;
  }

  boolean take(char expected) {
    if (at < end && bytes[at] == expected) {
      at++;
      return true;
    }
    return false;
  }

  boolean takeWord(byte[] word) {
    if (end - at >= word.length
        && Arrays.equals(bytes, at, at + word.length, word, 0, word.length)) {
      at += word.length;
      return true;
    }
    return false;
  }
}

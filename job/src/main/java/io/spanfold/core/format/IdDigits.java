package io.spanfold.core.format;

import java.util.HexFormat;

/** Checks and reads ids in the parser's own characters, without making strings of them. */
final class IdDigits {

  private static final int ID_LENGTH = 16;
  private static final int TRACE_ID_LENGTH = 32;
  private static final int DASHED_TRACE_ID_LENGTH = 36;

  private IdDigits() {}

  /** Returns whether these characters are a span id: 16 hexadecimal digits of either case. */
  static boolean isId(char[] text, int from, int length) {
    return length == ID_LENGTH && areDigits(text, from, ID_LENGTH);
  }

  /**
   * Returns whether these characters are a trace id: 32 hexadecimal digits of either case, or as
   * many with dashes as 8-4-4-4-12.
   */
  static boolean isTraceId(char[] text, int from, int length) {
    return (length == TRACE_ID_LENGTH && areDigits(text, from, TRACE_ID_LENGTH))
        || (length == DASHED_TRACE_ID_LENGTH
            && areDigits(text, from, 8)
            && text[from + 8] == '-'
            && areDigits(text, from + 9, 4)
            && text[from + 13] == '-'
            && areDigits(text, from + 14, 4)
            && text[from + 18] == '-'
            && areDigits(text, from + 19, 4)
            && text[from + 23] == '-'
            && areDigits(text, from + 24, 12));
  }

  /**
   * Returns what the 16 digits after the first {@code skipped} ones stand for; dashes do not count.
   * Only for what was found to be an id.
   */
  static long read(char[] text, int from, int skipped) {
    long value = 0;
    int digit = 0;
    for (int i = from; digit < skipped + ID_LENGTH; i++) {
      if (text[i] != '-') {
        if (digit >= skipped) {
          value = value << 4 | HexFormat.fromHexDigit(text[i]);
        }
        digit++;
      }
    }
    return value;
  }

  private static boolean areDigits(char[] text, int from, int count) {
    for (int i = from; i < from + count; i++) {
      if (!HexFormat.isHexDigit(text[i])) {
        return false;
      }
    }
    return true;
  }
}

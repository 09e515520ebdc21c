package io.spanfold.core.format;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Checks that bytes are UTF-8, without decoding them. A JSON parser does not check skipped values,
 * but consumers of the segments may.
 */
final class StrictUtf8 {

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private static final long HIGH_BITS = 0x8080808080808080L;

  private StrictUtf8() {}

  /** Returns the index of the first byte that is not UTF-8; -1 if there is none. */
  static int firstInvalid(byte[] bytes, int from, int to) {
    int at = from;
    while (at < to) {
      // Nearly all records are nearly all ASCII: eight bytes at a time.
      while (at <= to - Long.BYTES && ((long) LONGS.get(bytes, at) & HIGH_BITS) == 0) {
        at += Long.BYTES;
      }
      while (at < to && bytes[at] >= 0) {
        at++;
      }
      while (at < to && bytes[at] < 0) {
        int length = characterLength(bytes, at, to);
        if (length == 0) {
          return at;
        }
        at += length;
      }
    }
    return -1;
  }

  /** Returns the length of the character at {@code at}, which is not ASCII; 0 if it is invalid. */
  private static int characterLength(byte[] bytes, int at, int to) {
    int lead = bytes[at] & 0xFF;
    // The second byte's range keeps out overlong forms, surrogates, and what is above U+10FFFF.
    int length;
    int lowest = 0x80;
    int highest = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
      length = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      length = 3;
      lowest = lead == 0xE0 ? 0xA0 : lowest;
      highest = lead == 0xED ? 0x9F : highest;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      length = 4;
      lowest = lead == 0xF0 ? 0x90 : lowest;
      highest = lead == 0xF4 ? 0x8F : highest;
    } else {
      return 0;
    }
    if (length > to - at) {
      return 0;
    }
    int second = bytes[at + 1] & 0xFF;
    if (second < lowest || second > highest) {
      return 0;
    }
    for (int i = 2; i < length; i++) {
      if ((bytes[at + i] & 0xC0) != 0x80) {
        return 0;
      }
    }
    return length;
  }
}

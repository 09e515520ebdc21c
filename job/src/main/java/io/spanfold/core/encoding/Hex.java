package io.spanfold.core.encoding;

import java.util.HexFormat;

/** Span ids are 64 bits, written as 16 lower-case hexadecimal digits. */
public final class Hex {

  private static final HexFormat FORMAT = HexFormat.of();

  private Hex() {}

  /** Returns {@code id} as 16 lower-case hexadecimal digits. */
  public static String id(long id) {
    return FORMAT.toHexDigits(id);
  }

  /**
   * Reads 16 hexadecimal digits of either case.
   *
   * @throws IllegalArgumentException where {@code digits} is of any other form
   */
  public static long parseId(CharSequence digits) {
    if (digits.length() != Long.BYTES * 2) {
      throw new IllegalArgumentException("expected 16 hexadecimal digits, got " + digits.length());
    }
    return HexFormat.fromHexDigitsToLong(digits);
  }
}

package io.spanfold.core.encoding;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.HexFormat;

/** Ids as lower-case hexadecimal digits: 16 for 64 bits, 32 for 128. */
public final class Hex {

  private static final HexFormat FORMAT = HexFormat.of();

  private static final byte[] DIGITS = "0123456789abcdef".getBytes(US_ASCII);

  private Hex() {}

  /** Returns 16 digits. */
  public static String id(long id) {
    return FORMAT.toHexDigits(id);
  }

  /** Returns 32 digits. */
  public static String id(long high, long low) {
    byte[] digits = new byte[Long.BYTES * 4];
    write(high, digits, 0);
    write(low, digits, Long.BYTES * 2);
    return new String(digits, US_ASCII);
  }

  /**
   * Reads 16 digits of either case.
   *
   * @throws IllegalArgumentException if {@code digits} is of any other form
   */
  public static long parseId(CharSequence digits) {
    if (digits.length() != Long.BYTES * 2) {
      throw new IllegalArgumentException("expected 16 hexadecimal digits, got " + digits.length());
    }
    return HexFormat.fromHexDigitsToLong(digits);
  }

  /** Writes 16 digits of {@code id} into {@code out}, from {@code at} on. */
  public static void write(long id, byte[] out, int at) {
    for (int i = 0; i < Long.BYTES * 2; i++) {
      out[at + i] = DIGITS[(int) (id >>> (Long.SIZE - 4 - 4 * i)) & 0xF];
    }
  }
}

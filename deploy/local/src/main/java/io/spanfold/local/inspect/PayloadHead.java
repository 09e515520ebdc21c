package io.spanfold.local.inspect;

/** Reads what a payload tells of itself in its first bytes. */
final class PayloadHead {

  /** As many bytes as are ever needed: mark, codec and a varint of at most five. */
  static final int BYTES = 7;

  private static final byte MARK_AND_VERSION = (byte) 0xB1;
  private static final int VARINT_AT = 2;

  private PayloadHead() {}

  /**
   * Returns the length of the unpacked payload.
   *
   * @param bytes begins with the payload at {@code from}
   * @return -1 where that is of no form that is known here
   */
  static long unpackedBytes(byte[] bytes, int from) {
    if (bytes.length <= from + VARINT_AT || bytes[from] != MARK_AND_VERSION) {
      return -1;
    }
    long length = 0;
    for (int i = 0; VARINT_AT + i < BYTES && from + VARINT_AT + i < bytes.length; i++) {
      byte next = bytes[from + VARINT_AT + i];
      length |= (next & 0x7FL) << (7 * i);
      if (next >= 0) {
        return length;
      }
    }
    return -1;
  }
}

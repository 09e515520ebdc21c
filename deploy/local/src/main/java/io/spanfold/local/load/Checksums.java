package io.spanfold.local.load;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.zip.CRC32C;

/** By which a span is known to have come through whole. */
final class Checksums {

  private Checksums() {}

  static String of(String text) {
    CRC32C sum = new CRC32C();
    sum.update(text.getBytes(UTF_8));
    return Long.toHexString(sum.getValue());
  }
}

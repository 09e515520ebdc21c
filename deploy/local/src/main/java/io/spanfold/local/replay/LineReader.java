package io.spanfold.local.replay;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Reads lines as bytes, without decoding them. A line ends with a line feed, which is not part of
 * it, or with the input. Not thread-safe.
 */
public final class LineReader implements Closeable {

  private final InputStream input;
  private final byte[] buffer = new byte[1 << 16];
  private int position;
  private int limit;

  LineReader(InputStream input) {
    this.input = input;
  }

  static LineReader open(Path file) throws IOException {
    return new LineReader(Files.newInputStream(file));
  }

  /** Returns the next line, or null after the last. */
  byte[] next() throws IOException {
    ByteArrayOutputStream partial = null;
    while (true) {
      if (position == limit) {
        limit = Math.max(0, input.read(buffer));
        position = 0;
        if (limit == 0) {
          return partial == null ? null : partial.toByteArray();
        }
      }
      int start = position;
      while (position < limit && buffer[position] != '\n') {
        position++;
      }
      if (position < limit) {
        position++;
        if (partial == null) {
          return Arrays.copyOfRange(buffer, start, position - 1);
        }
        partial.write(buffer, start, position - 1 - start);
        return partial.toByteArray();
      }
      if (partial == null) {
        partial = new ByteArrayOutputStream(2 * (limit - start));
      }
      partial.write(buffer, start, limit - start);
    }
  }

  @Override
  public void close() throws IOException {
    input.close();
  }
}

package io.spanfold.local;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Reads a file's lines as the bytes that they are, whatever their encoding. A line ends with a line
 * feed, which is not part of it, or with the file. Not thread-safe.
 */
final class LineReader implements Closeable {

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
    ByteArrayOutputStream begun = null;
    while (true) {
      if (position == limit) {
        limit = Math.max(0, input.read(buffer));
        position = 0;
        if (limit == 0) {
          return begun == null ? null : begun.toByteArray();
        }
      }
      int start = position;
      while (position < limit && buffer[position] != '\n') {
        position++;
      }
      if (position < limit) {
        position++;
        if (begun == null) {
          return Arrays.copyOfRange(buffer, start, position - 1);
        }
        begun.write(buffer, start, position - 1 - start);
        return begun.toByteArray();
      }
      if (begun == null) {
        begun = new ByteArrayOutputStream(2 * (limit - start));
      }
      begun.write(buffer, start, limit - start);
    }
  }

  @Override
  public void close() throws IOException {
    input.close();
  }
}

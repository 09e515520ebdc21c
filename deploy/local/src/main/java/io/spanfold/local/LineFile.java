package io.spanfold.local;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file written line by line. It exists, empty, from the start. Not thread-safe. */
final class LineFile implements AutoCloseable {

  private final OutputStream output;

  private LineFile(OutputStream output) {
    this.output = output;
  }

  /**
   * Creates or empties the file.
   *
   * @throws FailedRunException where it cannot be written to
   */
  static LineFile create(Path path) {
    try {
      return new LineFile(new BufferedOutputStream(Files.newOutputStream(path), 1 << 16));
    } catch (IOException e) {
      throw new FailedRunException("cannot write to " + path + ": " + e, e);
    }
  }

  /** Returns a file that keeps nothing, for what nobody asked for. */
  static LineFile none() {
    return new LineFile(OutputStream.nullOutputStream());
  }

  void write(byte[] line) throws IOException {
    output.write(line);
    output.write('\n');
  }

  @Override
  public void close() throws IOException {
    output.close();
  }
}

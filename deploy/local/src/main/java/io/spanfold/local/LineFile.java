package io.spanfold.local;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** A file written line by line. It exists, empty, from the start. Not thread-safe. */
final class LineFile implements AutoCloseable {

  private final OutputStream output;
  private final Path path;

  private LineFile(OutputStream output, Path path) {
    this.output = output;
    this.path = path;
  }

  /**
   * Creates or empties the file.
   *
   * @throws FailedRunException where it cannot be written to
   */
  static LineFile create(Path path) {
    try {
      return new LineFile(new BufferedOutputStream(Files.newOutputStream(path), 1 << 16), path);
    } catch (NoSuchFileException e) {
      throw new FailedRunException("cannot write to " + path + ": there is no such directory", e);
    } catch (AccessDeniedException e) {
      throw new FailedRunException("cannot write to " + path + ": permission denied", e);
    } catch (IOException e) {
      throw failed(path, e);
    }
  }

  /** Returns a file that keeps nothing, for what nobody asked for. */
  static LineFile none() {
    return new LineFile(OutputStream.nullOutputStream(), Path.of("nothing"));
  }

  /**
   * Adds a line.
   *
   * @throws FailedRunException where the file takes no more, as on a full disk
   */
  void write(byte[] line) {
    try {
      output.write(line);
      output.write('\n');
    } catch (IOException e) {
      throw failed(path, e);
    }
  }

  /**
   * Writes out what is buffered and closes the file.
   *
   * @throws FailedRunException where the file takes no more, as on a full disk
   */
  @Override
  public void close() {
    try {
      output.close();
    } catch (IOException e) {
      throw failed(path, e);
    }
  }

  private static FailedRunException failed(Path path, IOException e) {
    return new FailedRunException("cannot write to " + path + ": " + e.getMessage(), e);
  }
}

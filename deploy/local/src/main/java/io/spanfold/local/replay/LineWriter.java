package io.spanfold.local.replay;

import io.spanfold.local.cli.FailedRunException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Writes a file line by line. The file exists, empty, from the start. Not thread-safe. */
final class LineWriter implements AutoCloseable {

  private final OutputStream output;
  private final Path path;

  private LineWriter(OutputStream output, Path path) {
    this.output = output;
    this.path = path;
  }

  /**
   * Creates or truncates the file.
   *
   * @throws FailedRunException if it cannot be written
   */
  static LineWriter create(Path path) {
    try {
      return new LineWriter(new BufferedOutputStream(Files.newOutputStream(path), 1 << 16), path);
    } catch (NoSuchFileException e) {
      throw new FailedRunException("cannot write to " + path + ": there is no such directory", e);
    } catch (AccessDeniedException e) {
      throw new FailedRunException("cannot write to " + path + ": permission denied", e);
    } catch (IOException e) {
      throw failed(path, e);
    }
  }

  /** Returns a writer that discards all lines. */
  static LineWriter none() {
    return new LineWriter(OutputStream.nullOutputStream(), Path.of("none"));
  }

  /**
   * Appends a line.
   *
   * @throws FailedRunException if that fails, for example because the disk is full
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
   * Flushes and closes the file.
   *
   * @throws FailedRunException if that fails, for example because the disk is full
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

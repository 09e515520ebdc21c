package io.spanfold.local.servers;

import io.spanfold.local.cli.UsageException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The address of the Redis of a running {@code deploy/local.sh}; a file in the run's directory. */
public final class RunningRedis {

  private static final String FILE = "redis-uri";

  private RunningRedis() {}

  /** Writes the file. */
  public static void announce(RunDirectory directory, String redisUri) {
    try {
      Files.writeString(directory.path().resolve(FILE), redisUri);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write to " + directory.path(), e);
    }
  }

  /**
   * Returns the URIs of the only run that has its directory in {@code parent}.
   *
   * @throws UsageException if there is none or more than one
   */
  public static String find(Path parent) {
    List<String> found = new ArrayList<>();
    try (DirectoryStream<Path> runs = Files.newDirectoryStream(parent, RunDirectory.PREFIX + "*")) {
      for (Path run : runs) {
        if (Files.isReadable(run.resolve(FILE))) {
          found.add(Files.readString(run.resolve(FILE)));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look for runs in " + parent, e);
    }
    if (found.size() == 1) {
      return found.get(0);
    }
    throw new UsageException(
        found.isEmpty()
            ? "no deploy/local.sh is running here; start one, or give --redis-uri"
            : "several are running; give --redis-uri with one of " + String.join("   ", found));
  }
}

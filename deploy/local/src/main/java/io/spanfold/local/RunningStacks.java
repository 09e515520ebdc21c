package io.spanfold.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Finds the Redis of the run of {@code deploy/local.sh} that goes on just now. */
final class RunningStacks {

  private static final String FILE = "redis-uri";

  private RunningStacks() {}

  /** Writes down where a run's Redis is. */
  static void announce(RunDirectory directory, String redisUri) {
    try {
      Files.writeString(directory.path().resolve(FILE), redisUri);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write to " + directory.path(), e);
    }
  }

  /**
   * Returns the value of {@code redis.uri} of the one run that has its directory in {@code parent}.
   * Directories of runs that are gone are cleared before.
   *
   * @throws UsageException where there is none, or more than one
   */
  static String redisOf(Path parent) {
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

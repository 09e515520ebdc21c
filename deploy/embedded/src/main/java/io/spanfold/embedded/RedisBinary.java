package io.spanfold.embedded;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import redis.embedded.core.ExecutableProvider;

/** The redis-server executable for this platform, unpacked once per process. */
final class RedisBinary {

  private static File executable;

  private RedisBinary() {}

  /**
   * Returns the executable.
   *
   * @throws UncheckedIOException if it cannot be unpacked
   */
  static synchronized File path() {
    if (executable == null) {
      try {
        File unpacked = ExecutableProvider.newJarResourceProvider().get();
        unpacked.deleteOnExit();
        unpacked.getParentFile().deleteOnExit();
        executable = unpacked;
      } catch (IOException e) {
        throw new UncheckedIOException(
            "cannot unpack redis-server; is the temporary directory writable and not full?", e);
      }
    }
    return executable;
  }
}

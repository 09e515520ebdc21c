package io.spanfold.embedded;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import redis.embedded.core.ExecutableProvider;

/**
 * The redis-server executable: that of the system property {@value #PROPERTY}, which may also be a
 * valkey-server, otherwise the one in the jar for this platform, unpacked once per process.
 */
final class RedisBinary {

  static final String PROPERTY = "spanfold.redis-server";

  private static final Pattern VERSION = Pattern.compile("v=(\\d+)\\.");

  private static File executable;
  private static int majorVersion;

  private RedisBinary() {}

  /**
   * Returns the executable.
   *
   * @throws UncheckedIOException if it cannot be unpacked
   */
  static synchronized File path() {
    if (executable == null) {
      String given = System.getProperty(PROPERTY);
      executable = given == null || given.isBlank() ? unpack() : new File(given);
    }
    return executable;
  }

  private static File unpack() {
    try {
      File unpacked = ExecutableProvider.newJarResourceProvider().get();
      unpacked.deleteOnExit();
      unpacked.getParentFile().deleteOnExit();
      return unpacked;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot unpack redis-server; is the temporary directory writable and not full?", e);
    }
  }

  /**
   * Returns the first number of the server's version.
   *
   * @throws UncheckedIOException if it cannot be started
   */
  static synchronized int majorVersion() {
    if (majorVersion == 0) {
      try {
        Process process =
            new ProcessBuilder(path().getPath(), "--version").redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), UTF_8);
        Matcher version = VERSION.matcher(text);
        if (!version.find()) {
          throw new IllegalStateException(path() + " does not report its version: " + text);
        }
        majorVersion = Integer.parseInt(version.group(1));
      } catch (IOException e) {
        throw new UncheckedIOException("cannot start " + path(), e);
      }
    }
    return majorVersion;
  }
}

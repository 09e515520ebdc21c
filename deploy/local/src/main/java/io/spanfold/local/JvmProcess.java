package io.spanfold.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A Java program with this one's classes in a JVM of its own. It ends with {@link #close()}, and
 * whenever this process ends. Its log and what it prints are in the run's directory of logs. Not
 * thread-safe.
 */
final class JvmProcess implements AutoCloseable {

  private static final long STOP_SECONDS = 10;

  private final String name;
  private final Process process;

  private JvmProcess(String name, Process process) {
    this.name = name;
    this.process = process;
  }

  /**
   * Starts one.
   *
   * @param name of the log, {@code <name>.log}, which is gone on with
   * @param jvmOptions such as {@code -Xmx}
   * @param mainClass its main class, then its arguments
   */
  static JvmProcess start(
      RunDirectory directory, String name, List<String> jvmOptions, List<String> mainClass) {
    Path logs = directory.logs();
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // Many short-lived JVMs on few cores: what counts is that they start soon and take little.
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"));
    command.addAll(jvmOptions);
    command.add("-Dlog.file=" + logs.resolve(name + ".log"));
    command.add("-Djava.io.tmpdir=" + directory.subdirectory("tmp/" + name));
    command.add(ParentWatch.class.getName());
    command.addAll(mainClass);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(logs.resolve(name + ".out").toFile()));
    builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
    try {
      Process process = builder.start();
      directory.remember(process.toHandle());
      return new JvmProcess(name, process);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start " + name, e);
    }
  }

  String name() {
    return name;
  }

  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Ends it at once, as a crash would, and waits for that. */
  void kill() {
    process.destroyForcibly();
    awaitEnd();
  }

  /** Asks it to end, and makes it after a while. */
  @Override
  public void close() {
    process.destroy();
    if (!awaitEnd()) {
      process.destroyForcibly();
      awaitEnd();
    }
  }

  private boolean awaitEnd() {
    try {
      return process.waitFor(STOP_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
      return true;
    }
  }
}

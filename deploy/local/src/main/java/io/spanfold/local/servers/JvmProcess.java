package io.spanfold.local.servers;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A Java program on this JVM's class path in a JVM of its own. It ends with {@link #close()} and
 * with this process, even if that is killed with SIGKILL. Its log and its output are in the run's
 * directory of logs. Not thread-safe.
 */
public final class JvmProcess implements AutoCloseable {

  private static final long STOP_SECONDS = 10;

  /** In some locales, such as the Turkish one, Kafka's connector does not start. */
  private static final List<String> LOCALE = List.of("-Duser.language=en", "-Duser.country=US");

  private final Process process;

  private JvmProcess(Process process) {
    this.process = process;
  }

  /**
   * Starts any program. It cannot use its standard input.
   *
   * @param name of its log, {@code <name>.log}, and of its output, {@code <name>.out}, which are
   *     appended to
   * @param jvmOptions such as {@code -Xmx}
   * @param program the main class and its arguments
   */
  public static JvmProcess start(
      RunDirectory directory, String name, List<String> jvmOptions, List<String> program) {
    List<String> watched = new ArrayList<>(List.of(ParentWatchdog.class.getName()));
    watched.addAll(program);
    ProcessBuilder builder = builder(directory, name, jvmOptions, watched);
    return launch(
        directory, builder.redirectErrorStream(true).redirectOutput(output(directory, name)));
  }

  /**
   * Starts a program that is controlled through {@link #input()} and {@link #output()}. It must end
   * when its standard input does. Its standard error is appended to {@code <name>.out}.
   */
  public static JvmProcess startPiped(
      RunDirectory directory, String name, List<String> jvmOptions, List<String> program) {
    ProcessBuilder builder = builder(directory, name, jvmOptions, program);
    return launch(directory, builder.redirectError(output(directory, name)));
  }

  private static ProcessBuilder builder(
      RunDirectory directory, String name, List<String> jvmOptions, List<String> program) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:-UsePerfData");
    command.addAll(jvmOptions);
    command.addAll(LOCALE);
    command.add("-Dlog.file=" + directory.logs().resolve(name + ".log"));
    command.add("-Djava.io.tmpdir=" + directory.subdirectory("tmp/" + name));
    command.addAll(program);
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
    return builder;
  }

  private static Redirect output(RunDirectory directory, String name) {
    return Redirect.appendTo(directory.logs().resolve(name + ".out").toFile());
  }

  private static JvmProcess launch(RunDirectory directory, ProcessBuilder builder) {
    try {
      Process process = builder.start();
      directory.record(process.toHandle());
      return new JvmProcess(process);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start " + builder.command(), e);
    }
  }

  /** Returns the stream that the program reads as its standard input. */
  public OutputStream input() {
    return process.getOutputStream();
  }

  /** Returns the stream of the program's standard output. */
  public InputStream output() {
    return process.getInputStream();
  }

  public long pid() {
    return process.pid();
  }

  /** Returns the CPU time of the process in nanoseconds. */
  public long cpuNanos() {
    return cpuNanos(process.toHandle());
  }

  /** Returns the CPU time of a process in nanoseconds; 0 if the platform does not report it. */
  public static long cpuNanos(ProcessHandle process) {
    return process.info().totalCpuDuration().map(Duration::toNanos).orElse(0L);
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** Kills the process with SIGKILL and waits for its end. */
  public void kill() {
    process.destroyForcibly();
    awaitEnd();
  }

  /** Stops the process with SIGTERM; kills it if it has not ended after 10 s. */
  @Override
  public void close() {
    process.destroy();
    if (!awaitEnd()) {
      kill();
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

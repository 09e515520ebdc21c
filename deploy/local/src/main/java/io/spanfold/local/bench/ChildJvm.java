package io.spanfold.local.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.local.FailedRunException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A Java process with this one's class path. It is asked by a line on its standard input and
 * answers by a line on its standard output that begins with {@code @}; it ends when its input ends,
 * so it does not outlive this process. For use by one thread.
 */
final class ChildJvm implements AutoCloseable {

  /** What begins an answer; all other output is for the log. */
  static final String ANSWER = "@";

  private static final Duration END_TIMEOUT = Duration.ofSeconds(15);

  private final String name;
  private final Path log;
  private final Process process;
  private final Writer questions;
  private final BufferedReader answers;

  private ChildJvm(String name, Path log, Process process) {
    this.name = name;
    this.log = log;
    this.process = process;
    this.questions = new OutputStreamWriter(process.getOutputStream(), UTF_8);
    this.answers = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
  }

  /**
   * Starts a process; what it says on standard error goes to its log.
   *
   * @param name for messages
   * @param main its main class
   * @param log its log file
   * @param temporary its directory for temporary files
   * @param jvm options of the JVM
   * @param arguments of the main class
   */
  static ChildJvm start(
      String name,
      Class<?> main,
      Path log,
      Path temporary,
      List<String> jvm,
      List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(option -> option.startsWith("--add-opens"))
        .forEach(command::add);
    command.addAll(jvm);
    command.addAll(
        List.of(
            "-XX:-UsePerfData",
            "-Djava.io.tmpdir=" + temporary,
            "-Dlog.file=" + log,
            "-cp",
            System.getProperty("java.class.path"),
            main.getName()));
    command.addAll(arguments);
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
              .start();
      return new ChildJvm(name, log, process);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start " + name, e);
    }
  }

  /**
   * Waits for the next answer.
   *
   * @throws FailedRunException where the process has ended instead
   */
  String answer() {
    try {
      String line = answers.readLine();
      while (line != null && !line.startsWith(ANSWER)) {
        line = answers.readLine();
      }
      if (line == null) {
        throw new FailedRunException(name + " has ended; its log is " + log);
      }
      return line.substring(ANSWER.length());
    } catch (IOException e) {
      throw new FailedRunException(name + " does not answer; its log is " + log, e);
    }
  }

  /** Asks, and waits for the answer. */
  String ask(String question) {
    try {
      questions.write(question + "\n");
      questions.flush();
    } catch (IOException e) {
      throw new FailedRunException(name + " has ended; its log is " + log, e);
    }
    return answer();
  }

  /** Returns the CPU time that the process has used, in nanoseconds. */
  long cpuNanos() {
    return cpuNanos(process.toHandle());
  }

  /** Returns the CPU time that a process has used, in nanoseconds; 0 where nobody tells. */
  static long cpuNanos(ProcessHandle process) {
    return process.info().totalCpuDuration().map(Duration::toNanos).orElse(0L);
  }

  /** Ends the process at once, as a crash would. */
  void kill() {
    process.destroyForcibly();
    awaitEnd();
  }

  @Override
  public void close() {
    try {
      questions.close();
    } catch (IOException e) {
      // It has ended already.
      process.destroyForcibly();
    }
    awaitEnd();
  }

  private void awaitEnd() {
    try {
      if (!process.waitFor(END_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}

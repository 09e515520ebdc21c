package io.spanfold.local.servers;

import io.spanfold.local.cli.FailedRunException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The directory of a run: servers' data, unpacked executables, checkpoints, logs. It is deleted
 * when the run ends.
 *
 * <p>A run that was killed with SIGKILL leaves its directory and its Redis servers. The next run
 * ends these servers and deletes the directory. It recognizes such a directory by the owner's
 * process id in its name and the owner's start time in a file, since ids are reused. It recognizes
 * the servers by their executable, which was unpacked into the directory, or by process id and
 * start time in a file; so it never ends another process. For this the start script creates the
 * directory and passes it as {@code java.io.tmpdir}, which the JVM reads only at its start.
 */
public final class RunDirectory implements AutoCloseable {

  /** Prefix of the directories of all runs. */
  static final String PREFIX = "spanfold-local-";

  private static final String OWNER = "owner";
  private static final String PROCESSES = "processes";
  private static final Pattern NAME = Pattern.compile(PREFIX + "(\\d+)-\\w+");

  /** The start time that the platform reports for a process may vary by this much. */
  private static final Duration START_TOLERANCE = Duration.ofSeconds(3);

  private final Path path;

  private RunDirectory(Path path) {
    this.path = path;
  }

  /**
   * Returns the directory that the start script created for this process.
   *
   * @throws UncheckedIOException if it is not writable
   */
  public static RunDirectory ofStartScript() {
    String given = System.getProperty("spanfold.run.directory");
    if (given == null) {
      throw new FailedRunException(
          "the system property spanfold.run.directory names no directory; start with"
              + " deploy/local.sh");
    }
    return own(Path.of(given).toAbsolutePath());
  }

  /**
   * Creates a directory for this process in {@code parent}.
   *
   * @throws UncheckedIOException if that fails
   */
  public static RunDirectory create(Path parent) {
    long pid = ProcessHandle.current().pid();
    try {
      return own(Files.createTempDirectory(parent, PREFIX + pid + "-"));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot create a directory in " + parent, e);
    }
  }

  private static RunDirectory own(Path path) {
    clearOrphaned(path.getParent());
    try {
      writeOwner(path, startOf(ProcessHandle.current()));
      return new RunDirectory(path);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot write to the run's directory " + path + "; is there room?", e);
    }
  }

  static void writeOwner(Path path, Instant start) throws IOException {
    Files.writeString(path.resolve(OWNER), String.valueOf(start.toEpochMilli()));
  }

  /** Returns when a process started; the epoch if the platform does not report it. */
  static Instant startOf(ProcessHandle process) {
    return process.info().startInstant().orElse(Instant.EPOCH);
  }

  public Path path() {
    return path;
  }

  /** Returns the log file of this process, which includes in-process servers. */
  public Path log() {
    return path.resolve("local.log");
  }

  /** Returns the directory for the logs of processes. */
  public Path logs() {
    return subdirectory("logs");
  }

  /**
   * Copies all logs out of this directory, next to it. Returns the copy: a file if there is only
   * one log, otherwise a directory.
   *
   * @throws UncheckedIOException if that fails
   */
  public Path keepLogs() {
    String name = PREFIX + ProcessHandle.current().pid();
    try {
      if (!Files.exists(path.resolve("logs"))) {
        return Files.copy(
            log(), path.resolveSibling(name + ".log"), StandardCopyOption.REPLACE_EXISTING);
      }
      Path kept = Files.createDirectories(path.resolveSibling(name + ".logs"));
      List<Path> logs = new ArrayList<>(List.of(log()));
      try (Stream<Path> others = Files.list(logs())) {
        others.filter(Files::isRegularFile).forEach(logs::add);
      }
      for (Path log : logs) {
        Files.copy(log, kept.resolve(log.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
      return kept;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot keep the logs of " + path, e);
    }
  }

  /**
   * Records a server, so that this run or the next one ends it. Not needed for an executable that
   * was unpacked into this directory.
   *
   * @throws UncheckedIOException if that fails
   */
  void record(ProcessHandle process) {
    Path file = subdirectory(PROCESSES).resolve(String.valueOf(process.pid()));
    try {
      Files.writeString(file, String.valueOf(startOf(process).toEpochMilli()));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }

  /** Returns a subdirectory; creates it if it is missing. */
  public Path subdirectory(String name) {
    try {
      return Files.createDirectories(path.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot create " + path.resolve(name), e);
    }
  }

  /** Ends the servers and deletes the directories of runs whose owner is gone. */
  static void clearOrphaned(Path parent) {
    try (DirectoryStream<Path> runs = Files.newDirectoryStream(parent, PREFIX + "*")) {
      for (Path run : runs) {
        Matcher owner = NAME.matcher(run.getFileName().toString());
        if (owner.matches()
            && Files.isDirectory(run)
            && Files.isWritable(run)
            && !isOwnerAlive(run, Long.parseLong(owner.group(1)))) {
          endProgramsOf(run);
          delete(run);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look for orphaned runs in " + parent, e);
    }
  }

  private static boolean isOwnerAlive(Path run, long pid) throws IOException {
    Optional<ProcessHandle> process = ProcessHandle.of(pid).filter(ProcessHandle::isAlive);
    Path owner = run.resolve(OWNER);
    if (process.isEmpty() || !Files.exists(owner)) {
      // Without the file, the run has only just started.
      return process.isPresent();
    }
    return startedAt(process.get(), owner);
  }

  private static void endProgramsOf(Path run) throws IOException {
    Path real = run.toRealPath();
    List<ProcessHandle> programs =
        ProcessHandle.allProcesses()
            .filter(p -> isUnpackedIn(real, p) || isRecordedIn(real, p))
            .toList();
    programs.forEach(ProcessHandle::destroyForcibly);
    CompletableFuture<?>[] ends =
        programs.stream().map(ProcessHandle::onExit).toArray(CompletableFuture[]::new);
    try {
      CompletableFuture.allOf(ends).get(5, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("a server of the killed run " + run + " does not end", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static boolean isUnpackedIn(Path run, ProcessHandle process) {
    return process.info().command().filter(c -> Path.of(c).startsWith(run)).isPresent();
  }

  private static boolean isRecordedIn(Path run, ProcessHandle process) {
    Path file = run.resolve(PROCESSES).resolve(String.valueOf(process.pid()));
    try {
      return Files.exists(file) && startedAt(process, file);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  /** Returns whether a process started at the time in {@code file}. */
  private static boolean startedAt(ProcessHandle process, Path file) throws IOException {
    Instant start = Instant.ofEpochMilli(Long.parseLong(Files.readString(file).strip()));
    Duration difference = Duration.between(startOf(process), start).abs();
    return difference.compareTo(START_TOLERANCE) <= 0;
  }

  /** Ends servers that are still running and deletes the directory. Later calls do nothing. */
  @Override
  public void close() {
    try {
      if (Files.exists(path)) {
        endProgramsOf(path);
        delete(path);
      }
    } catch (IOException e) {
      // A thread that is still ending wrote into a directory just emptied. The next run deletes it.
      System.err.println("left behind: " + path + " (" + e.getMessage() + ")");
    }
  }

  /** Deletes a file or a directory tree; does nothing if it does not exist. */
  public static void delete(Path root) throws IOException {
    if (!Files.exists(root)) {
      return;
    }
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException failure)
              throws IOException {
            if (failure instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE;
            }
            throw failure;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, IOException failure)
              throws IOException {
            Files.deleteIfExists(directory);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}

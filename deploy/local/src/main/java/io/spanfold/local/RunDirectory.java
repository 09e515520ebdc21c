package io.spanfold.local;

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
 * Where one run keeps everything: servers' data, unpacked programs, checkpoints, the log. It goes
 * when the run ends.
 *
 * <p>Its name bears the id of the process that owns it, and a file in it when that process started,
 * since ids come round again. A run that was killed leaves its directory and its Redis servers; the
 * next run finds that the owner is gone, ends the servers and deletes the directory. The servers
 * are known by their program, which was unpacked into this very directory, or by id and start,
 * which stand in it, so nothing else can be hit. For this the start script makes the directory and
 * names it as {@code java.io.tmpdir}, which Java reads only at its start.
 */
public final class RunDirectory implements AutoCloseable {

  /** What the names of all runs' directories begin with. */
  static final String PREFIX = "spanfold-local-";

  private static final String OWNER = "owner";
  private static final String PROCESSES = "processes";
  private static final Pattern NAME = Pattern.compile(PREFIX + "(\\d+)-\\w+");

  /** How far the operating system's account of a process's start may differ from read to read. */
  private static final Duration START_TOLERANCE = Duration.ofSeconds(3);

  private final Path path;

  private RunDirectory(Path path) {
    this.path = path;
  }

  /**
   * Takes the directory that the start script made for this process.
   *
   * @throws UncheckedIOException where it cannot be written to
   */
  static RunDirectory ofStartScript() {
    String given = System.getProperty("spanfold.run.directory");
    if (given == null) {
      throw new FailedRunException(
          "the system property spanfold.run.directory names no directory; start with"
              + " deploy/local.sh");
    }
    return own(Path.of(given).toAbsolutePath());
  }

  /**
   * Makes a directory for this process in {@code parent}.
   *
   * @throws UncheckedIOException where it cannot be made
   */
  static RunDirectory create(Path parent) {
    long pid = ProcessHandle.current().pid();
    try {
      return own(Files.createTempDirectory(parent, PREFIX + pid + "-"));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make a directory in " + parent, e);
    }
  }

  private static RunDirectory own(Path path) {
    clearAbandoned(path.getParent());
    try {
      writeOwner(path, startOf(ProcessHandle.current()));
      return new RunDirectory(path);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot write to the run's directory " + path + "; is there room?", e);
    }
  }

  /** Writes down when the owner of a directory started. */
  static void writeOwner(Path path, Instant start) throws IOException {
    Files.writeString(path.resolve(OWNER), String.valueOf(start.toEpochMilli()));
  }

  /** Returns when a process started, or the epoch where the operating system does not tell. */
  static Instant startOf(ProcessHandle process) {
    return process.info().startInstant().orElse(Instant.EPOCH);
  }

  /** Returns the directory. */
  public Path path() {
    return path;
  }

  /** Returns the file that Flink's and Kafka's log goes to. */
  Path log() {
    return path.resolve("local.log");
  }

  /** Returns the directory for the logs of servers that are processes of their own. */
  Path logs() {
    return subdirectory("logs");
  }

  /**
   * Copies all logs to where they stay when this directory goes, and returns that place: a file
   * where the log is the only one, else a directory.
   *
   * @throws UncheckedIOException where they cannot be copied
   */
  Path keepLogs() {
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
   * Remembers a server, so that it is ended with the run, or by the next one. A program that was
   * unpacked into this directory need not be remembered.
   *
   * @throws UncheckedIOException where it cannot be written down
   */
  void remember(ProcessHandle process) {
    Path file = subdirectory(PROCESSES).resolve(String.valueOf(process.pid()));
    try {
      Files.writeString(file, String.valueOf(startOf(process).toEpochMilli()));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + file, e);
    }
  }

  /** Returns the path of a subdirectory, made if missing. */
  public Path subdirectory(String name) {
    try {
      return Files.createDirectories(path.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make " + path.resolve(name), e);
    }
  }

  /** Ends what is left of runs in {@code parent} whose owners are gone, and deletes their files. */
  static void clearAbandoned(Path parent) {
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
      throw new UncheckedIOException("cannot look for abandoned runs in " + parent, e);
    }
  }

  private static boolean isOwnerAlive(Path run, long pid) throws IOException {
    Optional<ProcessHandle> process = ProcessHandle.of(pid).filter(ProcessHandle::isAlive);
    Path owner = run.resolve(OWNER);
    if (process.isEmpty() || !Files.exists(owner)) {
      // Without the file the run is only just beginning.
      return process.isPresent();
    }
    return startedAt(process.get(), owner);
  }

  private static void endProgramsOf(Path run) throws IOException {
    Path real = run.toRealPath();
    List<ProcessHandle> programs =
        ProcessHandle.allProcesses()
            .filter(p -> isUnpackedIn(real, p) || isRememberedIn(real, p))
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

  private static boolean isRememberedIn(Path run, ProcessHandle process) {
    Path file = run.resolve(PROCESSES).resolve(String.valueOf(process.pid()));
    try {
      return Files.exists(file) && startedAt(process, file);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  /** Returns whether a process is the one whose start {@code file} tells; ids come round again. */
  private static boolean startedAt(ProcessHandle process, Path file) throws IOException {
    Instant start = Instant.ofEpochMilli(Long.parseLong(Files.readString(file).strip()));
    Duration difference = Duration.between(startOf(process), start).abs();
    return difference.compareTo(START_TOLERANCE) <= 0;
  }

  /** Ends servers that outlived their stop, and deletes the directory. May be called again. */
  @Override
  public void close() {
    try {
      if (Files.exists(path)) {
        endProgramsOf(path);
        delete(path);
      }
    } catch (IOException e) {
      // A thread that is still ending wrote a file into a directory just emptied. The next run
      // clears it.
      System.err.println("left behind: " + path + " (" + e.getMessage() + ")");
    }
  }

  /** Deletes a file, or a directory with all that is in it; does nothing where there is none. */
  static void delete(Path root) throws IOException {
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

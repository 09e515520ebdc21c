package io.spanfold.local.servers;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.embedded.Await;
import io.spanfold.embedded.RedisNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;

class RunDirectoryTest {

  /** A process id that no operating system assigns. */
  private static final long GONE = Long.MAX_VALUE;

  @TempDir private Path parent;

  @Test
  void closeDeletesEverything() throws IOException {
    Path path;
    try (RunDirectory directory = RunDirectory.create(parent)) {
      path = directory.path();
      Files.writeString(directory.subdirectory("kafka").resolve("log"), "x");
      Files.writeString(directory.log(), "x");
    }

    assertThat(path).doesNotExist();
  }

  @Test
  void keepsDirectoriesOfRunningOwnersAndOfOthers() throws IOException {
    Path strange = Files.createDirectory(parent.resolve("spanfold-local-notes"));
    try (RunDirectory living = RunDirectory.create(parent)) {
      RunDirectory.clearOrphaned(parent);

      assertThat(living.path()).exists();
      assertThat(strange).exists();
    }
  }

  @Test
  void clearsRunsWhoseOwnerIsGoneEvenIfItsProcessIdIsReused() throws IOException {
    ProcessHandle self = ProcessHandle.current();
    Path reused = runOf(self.pid(), RunDirectory.startOf(self).minusSeconds(3_600));
    Path gone = runOf(GONE, Instant.now());
    Files.writeString(Files.createDirectories(gone.resolve("a/b")).resolve("c"), "x");

    RunDirectory.clearOrphaned(parent);

    assertThat(reused).doesNotExist();
    assertThat(gone).doesNotExist();
  }

  @Test
  void keepsARunThatHasJustStarted() throws IOException {
    Path begun = runOf(ProcessHandle.current().pid(), Instant.now());
    Files.delete(begun.resolve("owner"));

    RunDirectory.clearOrphaned(parent);

    assertThat(begun).exists();
  }

  @Test
  void endsTheServersOfAnOrphanedRunAndNoOthers() throws Exception {
    Path gone = runOf(GONE, Instant.now());
    try (RedisNode running = RedisNode.start(RedisNode.Options.in(parent.resolve("redis")))) {
      Path program = Path.of(ProcessHandle.of(running.pid()).orElseThrow().info().command().get());
      Path copy =
          Files.copy(program, gone.resolve("redis-server"), StandardCopyOption.COPY_ATTRIBUTES);
      Process orphaned =
          new ProcessBuilder(copy.toString(), "--port", "0", "--unixsocket", "socket")
              .directory(gone.toFile())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      try {
        Await.until(() -> !orphaned.isAlive() || Files.exists(gone.resolve("socket")));
        assertThat(orphaned.isAlive()).isTrue();

        RunDirectory.clearOrphaned(parent);

        assertThat(orphaned.waitFor(5, TimeUnit.SECONDS)).isTrue();
        assertThat(gone).doesNotExist();
        try (Jedis jedis = running.connect()) {
          assertThat(jedis.ping()).isEqualTo("PONG");
        }
      } finally {
        orphaned.destroyForcibly();
      }
    }
  }

  @Test
  void closeEndsRecordedProcessesUnlessTheirIdIsReused() throws Exception {
    Process server = new ProcessBuilder("sleep", "60").start();
    Process stranger = new ProcessBuilder("sleep", "60").start();
    try {
      try (RunDirectory directory = RunDirectory.create(parent)) {
        directory.record(server.toHandle());
        directory.record(stranger.toHandle());
        Files.writeString(
            directory.path().resolve("processes").resolve(String.valueOf(stranger.pid())), "1");
      }

      assertThat(server.waitFor(5, TimeUnit.SECONDS)).isTrue();
      assertThat(stranger.isAlive()).isTrue();
    } finally {
      server.destroyForcibly();
      stranger.destroyForcibly();
    }
  }

  private Path runOf(long pid, Instant start) throws IOException {
    Path run = Files.createDirectory(parent.resolve("spanfold-local-" + pid + "-x1"));
    RunDirectory.writeOwner(run, start);
    return run;
  }
}

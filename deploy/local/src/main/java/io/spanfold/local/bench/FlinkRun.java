package io.spanfold.local.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.local.FailedRunException;
import io.spanfold.local.FlinkRest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** A process of Flink that has one job. For use by one thread. */
final class FlinkRun implements AutoCloseable {

  static final int PARALLELISM = 2;

  private static final ObjectMapper JSON = new ObjectMapper();

  /** State of this many bytes stays in memory where the backend is RocksDB. */
  private static final String ROCKSDB_MEMORY = "1g";

  private final ChildJvm process;
  private final FlinkRest rest;
  private final Path home;
  private final String jobId;

  private FlinkRun(ChildJvm process, FlinkRest rest, Path home, String jobId) {
    this.process = process;
    this.rest = rest;
    this.home = home;
    this.jobId = jobId;
  }

  /** A checkpoint that was completed. */
  record Checkpoint(long id, long triggeredAt, long millis, long bytes, long fullBytes) {}

  /**
   * Starts Flink and submits a job.
   *
   * @param restoreFrom directory of the checkpoint to go on from
   * @throws FailedRunException where Flink does not start or the job is refused
   */
  static FlinkRun start(
      BenchServers servers,
      Contender contender,
      Map<String, String> options,
      Optional<Path> restoreFrom) {
    Path home = servers.newFlinkDirectory();
    List<String> arguments =
        new ArrayList<>(
            List.of(
                home.toString(),
                servers.flinkLog().toString(),
                String.valueOf(PARALLELISM),
                "state.backend.type=" + contender.stateBackend(),
                "taskmanager.memory.managed.size=" + ROCKSDB_MEMORY,
                "execution.checkpointing.interval=10s",
                "execution.checkpointing.externalized-checkpoint-retention="
                    + "RETAIN_ON_CANCELLATION",
                "metrics.reporters=bench",
                "metrics.reporter.bench.factory.class=" + JobCounters.Factory.class.getName()));
    ChildJvm process =
        ChildJvm.start(
            "Flink",
            FlinkProcess.class,
            servers.flinkLog(),
            servers.temporary(),
            List.of("-Xms3g", "-Xmx3g", "-XX:+UseParallelGC", "-XX:MaxDirectMemorySize=1g"),
            arguments);
    try {
      FlinkRest rest = new FlinkRest(URI.create(process.answer()));
      String jar = rest.uploadJar(contender.jar());
      List<String> programArguments = new ArrayList<>();
      options.forEach((name, value) -> programArguments.addAll(List.of("--" + name, value)));
      Map<String, Object> settings = new HashMap<>();
      settings.put("programArgsList", programArguments);
      settings.put("parallelism", PARALLELISM);
      contender.mainClass().ifPresent(name -> settings.put("entryClass", name));
      restoreFrom.ifPresent(path -> settings.put("savepointPath", path.toUri().toString()));
      return new FlinkRun(process, rest, home, rest.runJar(jar, settings));
    } catch (RuntimeException e) {
      process.kill();
      throw e;
    }
  }

  /** Returns the job's counters. */
  Sample counters() {
    return ask("counters");
  }

  /** Returns what the process has done and used. */
  Sample sample() {
    return ask("sample");
  }

  private Sample ask(String question) {
    try {
      return JSON.readValue(process.ask(question), Sample.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("Flink's process answers what is no sample", e);
    }
  }

  /** Begins to profile the process; ended by {@link #profiled}. */
  void profile() {
    process.ask("profile");
  }

  /** Ends the profile and writes it, a line a stack. */
  void profiled(Path file) {
    process.ask("profiled " + file.toAbsolutePath());
  }

  /**
   * Checks that the job has not failed so far, not even for a moment.
   *
   * @throws FailedRunException where it has; the message is the reason
   */
  void checkHealth() {
    String failure = rest.failure(jobId);
    if (!failure.isEmpty()) {
      throw new FailedRunException("the job failed while it was measured: " + failure);
    }
  }

  /** Returns the completed checkpoints that are remembered, in no order. */
  List<Checkpoint> checkpoints() {
    List<Checkpoint> completed = new ArrayList<>();
    for (JsonNode each : rest.get("/jobs/" + jobId + "/checkpoints").path("history")) {
      if (each.path("status").asText().equals("COMPLETED")) {
        completed.add(
            new Checkpoint(
                each.path("id").asLong(),
                each.path("trigger_timestamp").asLong(),
                each.path("end_to_end_duration").asLong(),
                each.path("checkpointed_size").asLong(),
                each.path("state_size").asLong()));
      }
    }
    return completed;
  }

  /**
   * Returns the newest checkpoint's directory.
   *
   * @throws FailedRunException where there is none
   */
  Path newestCheckpoint() {
    try (Stream<Path> files = Files.walk(home.resolve("checkpoints"), 3)) {
      return files
          .filter(file -> file.endsWith("_metadata"))
          .map(Path::getParent)
          .max(Comparator.comparingInt(FlinkRun::number))
          .orElseThrow(() -> new FailedRunException("no checkpoint was completed"));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look for checkpoints in " + home, e);
    }
  }

  /** Of {@code chk-17} the 17. */
  private static int number(Path checkpoint) {
    return Integer.parseInt(checkpoint.getFileName().toString().substring("chk-".length()));
  }

  /** Ends the process at once, as a crash would. */
  void kill() {
    process.kill();
  }

  /** Ends the process; a job's orderly end is not what is measured. Its files go. */
  @Override
  public void close() {
    process.kill();
    try (Stream<Path> files = Files.walk(home)) {
      for (Path file : (Iterable<Path>) files.sorted(Comparator.reverseOrder())::iterator) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete " + home, e);
    }
  }
}

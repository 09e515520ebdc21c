package io.spanfold.local.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.flink.FlinkRestClient;
import io.spanfold.local.flink.SubmittedJob;
import io.spanfold.local.servers.FlinkProcesses;
import io.spanfold.local.servers.JvmProcess;
import io.spanfold.local.servers.RunDirectory;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * A process of Flink with one job. It runs {@link BenchFlinkMain}, which answers a line on its
 * standard input with a line on its standard output. For use by one thread.
 */
final class FlinkRun implements AutoCloseable {

  static final int PARALLELISM = 2;

  private static final ObjectMapper JSON = new ObjectMapper();

  /** RocksDB's block cache and write buffers. */
  private static final String ROCKSDB_MEMORY = "1g";

  private final Path home;
  private final JvmProcess process;
  private final Writer questions;
  private final BufferedReader answers;
  private final FlinkRestClient rest;
  private final Contender contender;
  private String jobId;

  /**
   * A completed checkpoint.
   *
   * @param id Flink's number of it
   * @param triggeredAt in epoch ms
   * @param millis from the trigger to the completion
   * @param bytes that were written for it
   * @param fullBytes that it refers to
   * @param syncMillis the longest synchronous phase of a subtask that holds the traces
   */
  record Checkpoint(
      long id, long triggeredAt, long millis, long bytes, long fullBytes, long syncMillis) {

    /** Returns the figures of several checkpoints; none without one. */
    static Map<String, Double> figures(List<Checkpoint> all) {
      if (all.isEmpty()) {
        return Map.of();
      }
      Map<String, Double> figures = new LinkedHashMap<>();
      figures.put(Figures.CHECKPOINT_MILLIS, median(all, Checkpoint::millis));
      figures.put(Figures.CHECKPOINT_MEGABYTES, median(all, c -> c.bytes / 1e6));
      figures.put(Figures.STATE_MEGABYTES, median(all, c -> c.fullBytes / 1e6));
      figures.put(
          Figures.SYNC_MILLIS, (double) all.stream().mapToLong(c -> c.syncMillis).max().orElse(0));
      return figures;
    }

    private static double median(List<Checkpoint> all, ToDoubleFunction<Checkpoint> figure) {
      return Figures.median(all.stream().mapToDouble(figure).toArray());
    }
  }

  private FlinkRun(Path home, JvmProcess process, Contender contender) {
    this.home = home;
    this.contender = contender;
    this.process = process;
    this.questions = new OutputStreamWriter(process.input(), UTF_8);
    this.answers = new BufferedReader(new InputStreamReader(process.output(), UTF_8));
    this.rest = new FlinkRestClient(URI.create(answer()));
  }

  /**
   * Starts Flink and submits a job.
   *
   * @param restoreFrom the directory of a checkpoint
   * @throws FailedRunException if Flink does not start or the job is refused
   */
  static FlinkRun start(
      BenchServers servers,
      Contender contender,
      Map<String, String> options,
      Optional<Path> restoreFrom) {
    Path home = servers.directory().subdirectory("flink");
    List<String> jvm = new ArrayList<>(FlinkProcesses.OPENS);
    jvm.addAll(List.of("-Xms3g", "-Xmx3g", "-XX:+UseParallelGC", "-XX:MaxDirectMemorySize=1g"));
    // The CPU time of a compiler thread that ends would no longer be counted.
    jvm.add("-XX:-UseDynamicNumberOfCompilerThreads");
    List<String> program =
        List.of(
            BenchFlinkMain.class.getName(),
            home.toString(),
            String.valueOf(PARALLELISM),
            "state.backend.type=" + contender.stateBackend(),
            "taskmanager.memory.managed.size=" + ROCKSDB_MEMORY,
            "execution.checkpointing.interval=10s",
            "execution.checkpointing.externalized-checkpoint-retention=RETAIN_ON_CANCELLATION",
            "metrics.reporters=bench",
            "metrics.reporter.bench.factory.class=" + JobCounters.Factory.class.getName());
    JvmProcess process = JvmProcess.startPiped(servers.directory(), "flink", jvm, program);
    try {
      FlinkRun run = new FlinkRun(home, process, contender);
      run.submit(options, restoreFrom);
      return run;
    } catch (RuntimeException e) {
      process.kill();
      throw e;
    }
  }

  private void submit(Map<String, String> options, Optional<Path> restoreFrom) {
    List<String> arguments = new ArrayList<>();
    options.forEach((name, value) -> arguments.addAll(List.of("--" + name, value)));
    Map<String, Object> settings = new HashMap<>();
    settings.put("programArgsList", arguments);
    settings.put("parallelism", PARALLELISM);
    if (!contender.mainClass().isEmpty()) {
      settings.put("entryClass", contender.mainClass());
    }
    restoreFrom.ifPresent(path -> settings.put("savepointPath", path.toUri().toString()));
    jobId = rest.runJar(rest.uploadJar(contender.jar()), settings);
  }

  private String ask(String question) {
    try {
      questions.write(question + "\n");
      questions.flush();
    } catch (IOException e) {
      throw new FailedRunException("Flink has ended", e);
    }
    return answer();
  }

  private String answer() {
    try {
      String line = answers.readLine();
      while (line != null && !line.startsWith(BenchFlinkMain.ANSWER)) {
        line = answers.readLine();
      }
      if (line == null) {
        throw new FailedRunException("Flink has ended");
      }
      return line.substring(BenchFlinkMain.ANSWER.length());
    } catch (IOException e) {
      throw new FailedRunException("Flink does not answer", e);
    }
  }

  /** Returns the job's counters. */
  Sample counters() {
    return sample("counters");
  }

  /** Returns the counters and the resources that the process has used. */
  Sample sample() {
    return sample("sample");
  }

  private Sample sample(String question) {
    try {
      return JSON.readValue(ask(question), Sample.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("the answer of Flink's process is not a sample", e);
    }
  }

  /** Starts a profile of the process, which {@link #stopProfile} ends. */
  void startProfile() {
    ask("profile");
  }

  /** Ends the profile and writes it, one line per stack. */
  void stopProfile(Path file) {
    ask("profiled " + file.toAbsolutePath());
  }

  /**
   * Checks that the job has never failed.
   *
   * @throws FailedRunException if it has; the message is the reason
   */
  void checkHealth() {
    String failure = rest.failure(jobId);
    if (!failure.isEmpty()) {
      throw new FailedRunException("the job failed while it was measured: " + failure);
    }
  }

  /** Returns the completed checkpoints in Flink's history since an epoch ms, in no order. */
  List<Checkpoint> checkpointsSince(long millis) {
    List<String> stateful = statefulVertices();
    List<Checkpoint> completed = new ArrayList<>();
    for (JsonNode each : rest.get("/jobs/" + jobId + "/checkpoints").path("history")) {
      long triggered = each.path("trigger_timestamp").asLong();
      if (triggered >= millis && each.path("status").asText().equals("COMPLETED")) {
        long id = each.path("id").asLong();
        completed.add(
            new Checkpoint(
                id,
                triggered,
                each.path("end_to_end_duration").asLong(),
                each.path("checkpointed_size").asLong(),
                each.path("state_size").asLong(),
                stateful.stream().mapToLong(vertex -> syncMillis(id, vertex)).max().orElse(0)));
      }
    }
    return completed;
  }

  private List<String> statefulVertices() {
    List<String> ids = new ArrayList<>();
    for (JsonNode vertex : rest.get("/jobs/" + jobId).path("vertices")) {
      if (vertex.path("name").asText().contains(contender.statefulOperator())) {
        ids.add(vertex.path("id").asText());
      }
    }
    return ids;
  }

  private long syncMillis(long checkpoint, String vertex) {
    String path = "/jobs/%s/checkpoints/details/%d/subtasks/%s";
    return rest.get(path.formatted(jobId, checkpoint, vertex))
        .path("summary")
        .path("checkpoint_duration")
        .path("sync")
        .path("max")
        .asLong();
  }

  /**
   * Returns the newest checkpoint's directory.
   *
   * @throws FailedRunException if there is none
   */
  Path newestCheckpoint() {
    return SubmittedJob.newestCheckpoint(home.resolve("checkpoints"), jobId)
        .orElseThrow(() -> new FailedRunException("no checkpoint was completed"));
  }

  /** Kills the process with SIGKILL; its files stay. */
  void kill() {
    process.kill();
  }

  /** Kills the process and deletes its files: an orderly end of the job is not measured. */
  @Override
  public void close() {
    process.kill();
    try {
      RunDirectory.delete(home);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete " + home, e);
    }
  }
}

package io.spanfold.local;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * The calls of Flink's REST interface that runs need. Thread-safe.
 *
 * <p>Every method throws {@link FailedRunException} where Flink refuses or does not answer.
 */
public final class FlinkRest {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration TIMEOUT = Duration.ofMinutes(2);

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final URI address;

  /** Talks to the cluster whose REST interface is at {@code address}. */
  public FlinkRest(URI address) {
    this.address = address;
  }

  /** Uploads a job's jar and returns the id that Flink gave it. */
  public String uploadJar(Path jar) {
    String boundary = "spanfold-" + UUID.randomUUID();
    String head =
        "--%s\r\nContent-Disposition: form-data; name=\"jarfile\"; filename=\"%s\"\r\n"
                .formatted(boundary, jar.getFileName())
            + "Content-Type: application/x-java-archive\r\n\r\n";
    BodyPublisher body;
    try {
      body =
          BodyPublishers.concat(
              BodyPublishers.ofString(head),
              BodyPublishers.ofFile(jar),
              BodyPublishers.ofString("\r\n--" + boundary + "--\r\n"));
    } catch (FileNotFoundException e) {
      throw new FailedRunException("the job's jar is missing: " + jar, e);
    }
    HttpRequest request =
        request("/jars/upload")
            .header("Content-Type", "multipart/form-data; boundary=" + boundary)
            .POST(body)
            .build();
    String file = send(request, "the job's jar was not taken").path("filename").asText();
    return file.substring(file.lastIndexOf('/') + 1);
  }

  /**
   * Runs the main class of an uploaded jar and returns the id of the job that it submits.
   *
   * @param restoreFrom the savepoint or retained checkpoint to go on from; empty for none
   */
  String runJar(String jarId, JobOptions options, int parallelism, Optional<String> restoreFrom) {
    Map<String, Object> body = new HashMap<>();
    body.put("programArgsList", options.toArguments());
    body.put("parallelism", parallelism);
    restoreFrom.ifPresent(path -> body.put("savepointPath", path));
    return runJar(jarId, body);
  }

  /**
   * Runs an uploaded jar and returns the id of the job that it submits.
   *
   * @param settings as Flink's REST interface names them: {@code entryClass}, {@code
   *     programArgsList}, {@code parallelism}, {@code savepointPath}
   */
  public String runJar(String jarId, Map<String, Object> settings) {
    return post("/jars/" + jarId + "/run", settings, "the job was refused").path("jobid").asText();
  }

  /**
   * Stops a job with a savepoint and returns where that is, once the job has ended.
   *
   * @param drain whether all deadlines pass before it
   * @throws FailedRunException where no savepoint came about, as in the middle of a restart
   */
  String stopWithSavepoint(String jobId, Path directory, boolean drain) {
    String trigger =
        post(
                "/jobs/" + jobId + "/stop",
                Map.of("drain", drain, "targetDirectory", directory.toUri().toString()),
                "the job was not stopped")
            .path("request-id")
            .asText();
    while (true) {
      JsonNode answer = get("/jobs/" + jobId + "/savepoints/" + trigger);
      JsonNode operation = answer.path("operation");
      if (answer.path("status").path("id").asText().equals("COMPLETED")) {
        if (operation.has("location")) {
          return operation.path("location").asText();
        }
        String trace = operation.path("failure-cause").path("stack-trace").asText();
        throw new FailedRunException("no savepoint: " + StackTraces.rootCause(trace));
      }
      Pause.millis(100);
    }
  }

  /** Returns whether every task of the job runs. */
  boolean isWhollyRunning(String jobId) {
    JsonNode job = get("/jobs/" + jobId);
    if (!job.path("state").asText().equals("RUNNING")) {
      return false;
    }
    for (JsonNode vertex : job.path("vertices")) {
      if (!vertex.path("status").asText().equals("RUNNING")) {
        return false;
      }
    }
    return true;
  }

  /**
   * Returns when the last completed checkpoint began, in ms since the epoch; 0 before the first.
   */
  long lastCheckpointMillis(String jobId) {
    return get("/jobs/" + jobId + "/checkpoints")
        .path("latest")
        .path("completed")
        .path("trigger_timestamp")
        .asLong(0);
  }

  /** Returns the options that the job shows, secrets masked. */
  Map<String, String> userConfig(String jobId) {
    Map<String, String> options = new HashMap<>();
    get("/jobs/" + jobId + "/config")
        .path("execution-config")
        .path("user-config")
        .properties()
        .forEach(option -> options.put(option.getKey(), option.getValue().asText()));
    return options;
  }

  /** Returns how many task managers have registered and have not been missed yet. */
  int taskManagers() {
    return get("/overview").path("taskmanagers").asInt();
  }

  private JsonNode post(String path, Map<String, Object> body, String complaint) {
    HttpRequest request =
        request(path)
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(json(body)))
            .build();
    return send(request, complaint);
  }

  private static String json(Map<String, ?> map) {
    try {
      return JSON.writeValueAsString(map);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a body that JSON cannot hold", e);
    }
  }

  /** Returns the job's state in Flink's words, as {@code RUNNING} or {@code FINISHED}. */
  public String jobState(String jobId) {
    return get("/jobs/" + jobId).path("state").asText();
  }

  /** Returns what made the job fail last, as one line; empty where nothing did. */
  public String failure(String jobId) {
    JsonNode entry =
        get("/jobs/" + jobId + "/exceptions").path("exceptionHistory").path("entries").path(0);
    return StackTraces.rootCause(entry.path("stacktrace").asText());
  }

  /** Returns what is at a path of the REST interface. */
  public JsonNode get(String path) {
    return send(request(path).GET().build(), "Flink does not answer");
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(address.resolve(path)).timeout(TIMEOUT);
  }

  private JsonNode send(HttpRequest request, String complaint) {
    try {
      HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
      JsonNode body = JSON.readTree(response.body());
      if (response.statusCode() / 100 == 2) {
        return body;
      }
      JsonNode errors = body.path("errors");
      String text = errors.path(errors.size() - 1).asText(response.body());
      throw new FailedRunException(complaint + ": " + StackTraces.rootCause(text));
    } catch (IOException e) {
      throw new FailedRunException(complaint + ": " + e, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailedRunException("interrupted while talking to Flink", e);
    }
  }

  /** Returns the most heap that a task manager uses now, garbage included, in bytes. */
  long heapUsed() {
    long most = 0;
    for (JsonNode manager : get("/taskmanagers").path("taskmanagers")) {
      String id = manager.path("id").asText();
      JsonNode metrics = get("/taskmanagers/" + id + "/metrics?get=Status.JVM.Memory.Heap.Used");
      most = Math.max(most, metrics.path(0).path("value").asLong());
    }
    return most;
  }

  /** Returns how often the job was restarted. */
  long restarts(String jobId) {
    return get("/jobs/" + jobId + "/metrics?get=numRestarts").path(0).path("value").asLong();
  }
}

package io.spanfold.local.flink;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.embedded.Await;
import io.spanfold.local.cli.FailedRunException;
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
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * The calls of Flink's REST interface that the commands need. Thread-safe.
 *
 * <p>Every method throws {@link FailedRunException} if Flink refuses or does not answer.
 */
public final class FlinkRestClient {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration TIMEOUT = Duration.ofMinutes(2);
  private static final String CAUSE = "Caused by: ";
  private static final Pattern CLASS_NAME = Pattern.compile("^(?:[\\w$]+\\.)+[\\w$]+(?:: |$)");

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final URI address;

  public FlinkRestClient(URI address) {
    this.address = address;
  }

  /** Uploads a jar and returns the id that Flink gives it. */
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
    String file = send(request, "Flink did not accept the job's jar").path("filename").asText();
    return file.substring(file.lastIndexOf('/') + 1);
  }

  /**
   * Runs an uploaded jar and returns the id of the job that it submits.
   *
   * @param settings by their names in the REST interface: {@code entryClass}, {@code
   *     programArgsList}, {@code parallelism}, {@code savepointPath}
   */
  public String runJar(String jarId, Map<String, Object> settings) {
    return post("/jars/" + jarId + "/run", settings, "the job was refused").path("jobid").asText();
  }

  /**
   * Stops a job with a savepoint and returns the savepoint's location when the job has ended.
   *
   * @param drain whether all event-time timers fire before
   * @throws FailedRunException if no savepoint is completed, for example during a restart
   */
  public String stopWithSavepoint(String jobId, Path directory, boolean drain) {
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
        throw new FailedRunException("no savepoint: " + rootCause(trace));
      }
      Await.millis(100);
    }
  }

  /** Returns whether the job and every task of it are running. */
  public boolean isFullyRunning(String jobId) {
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

  /** Returns when the last completed checkpoint was triggered, in epoch ms; 0 for none. */
  public long lastCheckpointMillis(String jobId) {
    return get("/jobs/" + jobId + "/checkpoints")
        .path("latest")
        .path("completed")
        .path("trigger_timestamp")
        .asLong(0);
  }

  /** Returns the job's options as its web page shows them, secrets masked. */
  public Map<String, String> userConfig(String jobId) {
    Map<String, String> options = new HashMap<>();
    get("/jobs/" + jobId + "/config")
        .path("execution-config")
        .path("user-config")
        .properties()
        .forEach(option -> options.put(option.getKey(), option.getValue().asText()));
    return options;
  }

  /** Returns the number of registered task managers; a lost one counts until its timeout. */
  public int taskManagers() {
    return get("/overview").path("taskmanagers").asInt();
  }

  /** Returns Flink's name of the job's state, as {@code RUNNING} or {@code FINISHED}. */
  public String jobState(String jobId) {
    return get("/jobs/" + jobId).path("state").asText();
  }

  /** Returns the reason of the job's last failure on one line; empty if it never failed. */
  public String failure(String jobId) {
    JsonNode entry =
        get("/jobs/" + jobId + "/exceptions").path("exceptionHistory").path("entries").path(0);
    return rootCause(entry.path("stacktrace").asText());
  }

  /** Returns the largest heap use of a task manager, garbage included, in bytes. */
  public long heapUsed() {
    long max = 0;
    for (JsonNode manager : get("/taskmanagers").path("taskmanagers")) {
      String id = manager.path("id").asText();
      JsonNode metrics = get("/taskmanagers/" + id + "/metrics?get=Status.JVM.Memory.Heap.Used");
      max = Math.max(max, metrics.path(0).path("value").asLong());
    }
    return max;
  }

  /** Returns how often the job was restarted. */
  public long restarts(String jobId) {
    return get("/jobs/" + jobId + "/metrics?get=numRestarts").path(0).path("value").asLong();
  }

  /** Returns the answer of a path. */
  public JsonNode get(String path) {
    return send(request(path).GET().build(), "Flink does not answer");
  }

  private JsonNode post(String path, Map<String, Object> body, String complaint) {
    try {
      HttpRequest request =
          request(path)
              .header("Content-Type", "application/json")
              .POST(BodyPublishers.ofString(JSON.writeValueAsString(body)))
              .build();
      return send(request, complaint);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("not representable in JSON: " + body, e);
    }
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
      throw new FailedRunException(complaint + ": " + rootCause(text));
    } catch (IOException e) {
      throw new FailedRunException(complaint + ": " + e, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailedRunException("interrupted while talking to Flink", e);
    }
  }

  /**
   * Returns the message of the innermost cause in a stack trace, on one line; the class name if
   * that has no message.
   */
  static String rootCause(String trace) {
    int at = trace.lastIndexOf(CAUSE);
    String innermost = at < 0 ? trace : trace.substring(at + CAUSE.length());
    List<String> message =
        innermost
            .lines()
            .map(String::strip)
            .takeWhile(line -> !line.startsWith("at ") && !line.startsWith("... "))
            .toList();
    String joined = String.join(" ", message).strip();
    String withoutClass = CLASS_NAME.matcher(joined).replaceFirst("");
    return withoutClass.isEmpty() ? joined : withoutClass;
  }
}

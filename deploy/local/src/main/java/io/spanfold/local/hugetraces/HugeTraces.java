package io.spanfold.local.hugetraces;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.embedded.Await;
import io.spanfold.local.cli.Arguments;
import io.spanfold.local.cli.Command;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.cli.ProgressLine;
import io.spanfold.local.flink.FlinkRestClient;
import io.spanfold.local.flink.JobOptions;
import io.spanfold.local.flink.SubmittedJob;
import io.spanfold.local.kafka.SpanProducer;
import io.spanfold.local.kafka.TopicReader;
import io.spanfold.local.kafka.Topics;
import io.spanfold.local.servers.FlinkProcesses;
import io.spanfold.local.servers.ProcessServers;
import io.spanfold.local.servers.RunDirectory;
import io.spanfold.local.servers.ServerSettings;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * Sends traces of many megabytes, and one of many small spans, through task managers with little
 * memory, and reports the heap that they used.
 */
public final class HugeTraces implements Command {

  private static final int PARTITIONS = 4;
  private static final int PARALLELISM = 2;
  private static final int DEFAULT_MEGABYTES = 500;
  private static final int DEFAULT_SPANS = 1_000_000;
  private static final int LARGE_RECORD = 10_000;
  private static final int SMALL_RECORD = 250;
  private static final int CHILDREN = 16;

  /** The job's limit of a message. */
  private static final int MAX_MESSAGE_BYTES = 10_000_000;

  private static final Duration END_TIMEOUT = Duration.ofMinutes(2);
  private static final Duration TRACE_TIMEOUT = Duration.ofMinutes(20);
  private static final Map<String, String> FLINK = Map.of("execution.checkpointing.interval", "5s");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final RunDirectory directory;

  public HugeTraces(RunDirectory directory) {
    this.directory = directory;
  }

  @Override
  public String name() {
    return "huge-traces";
  }

  @Override
  public String help() {
    return """
    deploy/local.sh huge-traces [options] [-- job options]
        Sends traces of 1 MB, of a tenth and all of --megabytes, and of --spans small spans
        through task managers with %d MB of heap, the root of each trace last. Compares the output
        span by span, and prints the largest heap use of a task manager.
        --megabytes N        of the largest trace (%d)
        --spans N            of the trace of small spans (%d)
    """
        .formatted(FlinkProcesses.HEAP_MB, DEFAULT_MEGABYTES, DEFAULT_SPANS);
  }

  /** A trace of spans of one size, and which of them have been emitted. */
  private static final class Trace {
    final String id;
    final int spans;
    final int recordBytes;
    final BitSet emitted = new BitSet();
    int messages;
    int largestMessage;

    Trace(int number, long spans, int recordBytes) {
      this.id = "%032x".formatted(number);
      this.spans = Math.toIntExact(spans);
      this.recordBytes = recordBytes;
    }

    boolean isComplete() {
      return emitted.cardinality() == spans;
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%,d spans, %,d MB: %,d spans out in %,d messages of at most %,d bytes",
          spans,
          (long) spans * recordBytes / 1_000_000,
          emitted.cardinality(),
          messages,
          largestMessage);
    }
  }

  @Override
  public void run(List<String> given) throws IOException {
    Arguments arguments = Arguments.parse(given, Set.of("megabytes", "spans"));
    int megabytes = arguments.number("megabytes", DEFAULT_MEGABYTES, 10, 10_000);
    int spans = arguments.number("spans", DEFAULT_SPANS, 10, 100_000_000);
    JobOptions options = new JobOptions(arguments.jobOptions());
    List<Trace> traces = new ArrayList<>();
    for (long size : new long[] {1, megabytes / 10, megabytes}) {
      traces.add(new Trace(traces.size() + 1, size * 1_000_000 / LARGE_RECORD, LARGE_RECORD));
    }
    traces.add(new Trace(traces.size() + 1, spans, SMALL_RECORD));
    ProgressLine progress = new ProgressLine(Duration.ofSeconds(5));
    progress.print("starting Kafka, a Redis Cluster and Flink");
    try (ProcessServers servers =
        ProcessServers.start(directory, ServerSettings.of(PARTITIONS, FLINK))) {
      SubmittedJob job = servers.submit(options, PARALLELISM, Optional.empty());
      FlinkRestClient rest = servers.rest();
      long[] peak = {0};
      Map<String, Trace> byKey = new HashMap<>();
      traces.forEach(trace -> byKey.put("1:" + trace.id, trace));
      try (SpanProducer producer = new SpanProducer(servers.bootstrapServers());
          TopicReader reader =
              new TopicReader(
                  servers.bootstrapServers(),
                  List.of(Topics.SEGMENTS),
                  message -> take(byKey.get(new String(message.key(), UTF_8)), message.value()))) {
        for (Trace trace : traces) {
          send(trace, producer, () -> peak[0] = Math.max(peak[0], rest.heapUsed()));
          await(trace, job, reader, rest, peak, progress);
          progress.print("%s; most heap used so far %d MB".formatted(trace, peak[0] / (1 << 20)));
        }
        // Duplicates may still be in the buffer.
        rest.stopWithSavepoint(job.jobId(), servers.flink().savepoints(), true);
        if (!Await.until(job::isFinished, END_TIMEOUT)) {
          throw new FailedRunException("the job does not end; its state is " + job.state());
        }
        reader.drain();
      }
    }
  }

  /** Sends the root last, so that the trace is incomplete until then. */
  private static void send(Trace trace, SpanProducer producer, Runnable sample) {
    Random random = new Random(trace.spans);
    for (int i = trace.spans - 1; i >= 0; i--) {
      producer.send(Optional.of(trace.id), System.currentTimeMillis(), record(trace, i, random));
      if (i % 10_000 == 0) {
        sample.run();
      }
    }
    producer.flush();
  }

  private static byte[] record(Trace trace, int i, Random random) {
    String parent = i == 0 ? "null" : "\"%016x\"".formatted((i - 1) / CHILDREN + 1);
    StringBuilder text = new StringBuilder(trace.recordBytes);
    text.append("{\"organization_id\":1,\"project_id\":1,\"trace_id\":\"")
        .append(trace.id)
        .append("\",\"span_id\":\"%016x\",\"parent_span_id\":".formatted(i + 1))
        .append(parent)
        .append(",\"end_timestamp\":1.5,\"n\":")
        .append(i)
        .append(",\"text\":\"");
    while (text.length() < trace.recordBytes - 2) {
      text.append((char) ('a' + random.nextInt(26)));
    }
    return text.append("\"}").toString().getBytes(US_ASCII);
  }

  private static void await(
      Trace trace,
      SubmittedJob job,
      TopicReader reader,
      FlinkRestClient rest,
      long[] peak,
      ProgressLine progress)
      throws IOException {
    long end = System.nanoTime() + TRACE_TIMEOUT.toNanos();
    while (!trace.isComplete()) {
      if (System.nanoTime() > end) {
        throw new FailedRunException(
            "not all spans came out in %d min: %s".formatted(TRACE_TIMEOUT.toMinutes(), trace));
      }
      reader.poll(Duration.ofMillis(500));
      peak[0] = Math.max(peak[0], rest.heapUsed());
      job.state();
      progress.show(trace.toString());
    }
    if (rest.restarts(job.jobId()) > 0) {
      throw new FailedRunException("the job was restarted: " + rest.failure(job.jobId()));
    }
  }

  private static void take(Trace trace, byte[] message) throws IOException {
    if (message.length > MAX_MESSAGE_BYTES) {
      throw new FailedRunException(
          "a message has %d bytes; expected at most %d"
              .formatted(message.length, MAX_MESSAGE_BYTES));
    }
    trace.messages++;
    trace.largestMessage = Math.max(trace.largestMessage, message.length);
    for (JsonNode span : JSON.readTree(message).get("spans")) {
      int number = span.get("n").intValue();
      if (trace.emitted.get(number)) {
        throw new FailedRunException("span %d of trace %s came twice".formatted(number, trace.id));
      }
      trace.emitted.set(number);
    }
  }
}

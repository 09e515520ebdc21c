package io.spanfold.local;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;

/**
 * Lets traces of many megabytes, and one of many small spans, pass through task managers of little
 * memory, and tells how much of it they took.
 */
final class HugeTraces implements Command {

  private static final int DEFAULT_MEGABYTES = 500;
  private static final int DEFAULT_SPANS = 1_000_000;
  private static final int LARGE_RECORD = 10_000;
  private static final int SMALL_RECORD = 250;
  private static final int CHILDREN = 16;

  /** The job's own bound where the topic takes more. */
  private static final int MAX_MESSAGE_BYTES = 10_000_000;

  private static final Duration END_TIMEOUT = Duration.ofMinutes(2);
  private static final Duration PATIENCE = Duration.ofMinutes(20);
  private static final Map<String, String> FLINK = Map.of("execution.checkpointing.interval", "5s");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final RunDirectory directory;

  HugeTraces(RunDirectory directory) {
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
        Lets traces of 1 MB, of a tenth and all of --megabytes, and of --spans small spans, pass
        through task managers of %d MB of heap, the root of each at last; compares what comes out,
        span by span, and prints the most heap that one of them used.
        --megabytes N        of the largest trace (%d)
        --spans N            of the trace of small spans (%d)
    """
        .formatted(FlinkProcesses.HEAP_MB, DEFAULT_MEGABYTES, DEFAULT_SPANS);
  }

  /** A trace: so many spans of so many bytes, and which of them have come out. */
  private static final class Trace {
    final String id;
    final int spans;
    final int recordBytes;
    final BitSet out = new BitSet();
    int messages;
    int largestMessage;

    Trace(int number, long spans, int recordBytes) {
      this.id = "%032x".formatted(number);
      this.spans = Math.toIntExact(spans);
      this.recordBytes = recordBytes;
    }

    boolean isOut() {
      return out.cardinality() == spans;
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%,d spans, %,d MB: %,d spans out in %,d messages of at most %,d bytes",
          spans,
          (long) spans * recordBytes / 1_000_000,
          out.cardinality(),
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
    ClusterServers.Settings settings =
        new ClusterServers.Settings(4, OptionalInt.empty(), OptionalInt.empty(), FLINK);
    try (ClusterServers servers = ClusterServers.start(directory, settings)) {
      JobSubmission job = servers.submit(options, 2, Optional.empty());
      FlinkRest rest = new FlinkRest(servers.flink().address());
      long[] peak = {0};
      Map<String, Trace> byKey = new HashMap<>();
      traces.forEach(trace -> byKey.put("1:" + trace.id, trace));
      Map<String, TopicCollector.Sink> sinks =
          Map.of(
              Topics.SEGMENTS,
              message -> take(byKey.get(new String(message.key(), UTF_8)), message.value()));
      try (SpanProducer producer = new SpanProducer(servers.broker().bootstrapServers());
          TopicCollector collector =
              new TopicCollector(servers.broker().bootstrapServers(), sinks)) {
        for (Trace trace : traces) {
          send(trace, producer, () -> peak[0] = Math.max(peak[0], rest.heapUsed()));
          await(trace, job, collector, rest, peak, progress);
          progress.print("%s; most heap used so far %d MB".formatted(trace, peak[0] / (1 << 20)));
        }
        // What came twice may yet be to come.
        rest.stopWithSavepoint(job.jobId(), servers.flink().savepoints(), true);
        if (!Pause.until(job::isFinished, END_TIMEOUT)) {
          throw new FailedRunException("the job does not end; it is " + job.state());
        }
        collector.drain();
      }
    }
  }

  /** Sends the root last, so that nothing is known to be complete before. */
  private static void send(Trace trace, SpanProducer producer, Runnable watch) {
    Random random = new Random(trace.spans);
    for (int i = trace.spans - 1; i >= 0; i--) {
      producer.send(Optional.of(trace.id), System.currentTimeMillis(), record(trace, i, random));
      if (i % 10_000 == 0) {
        watch.run();
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
      JobSubmission job,
      TopicCollector collector,
      FlinkRest rest,
      long[] peak,
      ProgressLine progress)
      throws IOException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!trace.isOut()) {
      if (System.nanoTime() > end) {
        throw new FailedRunException(
            "not all spans came out in %d min: %s".formatted(PATIENCE.toMinutes(), trace));
      }
      collector.poll(Duration.ofMillis(500));
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
      if (trace.out.get(number)) {
        throw new FailedRunException("span %d of trace %s came twice".formatted(number, trace.id));
      }
      trace.out.set(number);
    }
  }
}

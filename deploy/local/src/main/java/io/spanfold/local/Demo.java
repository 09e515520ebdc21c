package io.spanfold.local;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;

/** Plays the bundled sample through the job, over and over, until it is stopped. */
final class Demo implements Command {

  private static final int PARTITIONS = 4;
  private static final int DEFAULT_PARALLELISM = 2;
  private static final Duration POLL = Duration.ofMillis(50);
  private static final long SECOND_NANOS = Duration.ofSeconds(1).toNanos();

  /** Segments show when a checkpoint commits them, and somebody is watching. */
  private static final Map<String, String> FLINK =
      Map.of("execution.checkpointing.interval", "2s", "web.refresh-interval", "1000");

  private final RunDirectory directory;

  Demo(RunDirectory directory) {
    this.directory = directory;
  }

  @Override
  public String name() {
    return "";
  }

  @Override
  public String help() {
    return """
    deploy/local.sh [options] [-- job options]
        Starts Kafka, a three-node Redis Cluster and Flink, submits the job and plays sample
        traces at their natural pace, over and over, until Ctrl-C.
        --parallelism N      of the job (%d)
        --kafka-port PORT, --web-port PORT   free ones unless given
    """
        .formatted(DEFAULT_PARALLELISM);
  }

  @Override
  public void run(List<String> given) throws IOException {
    Arguments arguments = Arguments.parse(given, Set.of("parallelism", "kafka-port", "web-port"));
    int parallelism = arguments.number("parallelism", DEFAULT_PARALLELISM, 1, 128);
    JobOptions options = new JobOptions(arguments.jobOptions());
    ProgressLine progress = new ProgressLine(Duration.ZERO);
    progress.print("starting Kafka, a Redis Cluster and Flink");
    LocalServers.Settings settings =
        new LocalServers.Settings(
            PARTITIONS,
            options.slots(parallelism),
            arguments.port("kafka-port"),
            arguments.port("web-port"),
            FLINK);
    try (LocalServers servers = LocalServers.start(directory, settings)) {
      JobSubmission job = servers.submit(options, false, parallelism);
      progress.print("Flink's web UI: " + servers.flink().address());
      progress.print("Kafka:          " + servers.bootstrapServers());
      progress.print("Redis Cluster:  " + servers.redisUri());
      progress.print("Ctrl-C stops everything.");
      play(servers, job, progress);
    }
  }

  /** Returns only by an exception: a job that has failed, or a broker that is gone. */
  private static void play(LocalServers servers, JobSubmission job, ProgressLine progress)
      throws IOException {
    Tally tally = new Tally();
    SamplePlayer player = new SamplePlayer(RandomGenerator.getDefault());
    Deque<SamplePlayer.PlayedSpan> due = new ArrayDeque<>();
    try (SpanProducer producer = new SpanProducer(servers.bootstrapServers());
        TopicCollector collector = new TopicCollector(servers.bootstrapServers(), sinks(tally))) {
      long since = System.nanoTime();
      long sentBefore = 0;
      while (true) {
        if (due.isEmpty()) {
          due.addAll(player.round(System.currentTimeMillis()));
        }
        while (!due.isEmpty() && due.peek().receivedMillis() <= System.currentTimeMillis()) {
          SamplePlayer.PlayedSpan span = due.remove();
          producer.send(Optional.of(span.traceId()), span.receivedMillis(), span.value());
          tally.in++;
        }
        collector.poll(POLL);
        long now = System.nanoTime();
        if (now - since >= SECOND_NANOS) {
          double rate = (tally.in - sentBefore) * (double) SECOND_NANOS / (now - since);
          progress.show(line(tally, rate, job.state()));
          since = now;
          sentBefore = tally.in;
        }
      }
    }
  }

  private static Map<String, TopicCollector.Sink> sinks(Tally tally) {
    return Map.of(
        Topics.SEGMENTS,
        segment -> tally.addSegment(OutputLines.spansIn(segment.value())),
        Topics.DEAD_LETTERS,
        letter -> tally.deadLetters++,
        Topics.OUTCOMES,
        outcome -> tally.outcomes += OutputLines.quantityOf(outcome.value()));
  }

  private static String line(Tally tally, double rate, String state) {
    return String.format(
        Locale.ROOT,
        "spans in %,d | segments out %,d (spans %,d) | %.0f spans/s | buffered %,d%s%s",
        tally.in,
        tally.segments,
        tally.out,
        rate,
        tally.open(),
        tally.deadLetters == 0 ? "" : " | dead letters " + tally.deadLetters,
        state.equals("RUNNING") ? "" : " | job " + state);
  }
}

package io.spanfold.local.demo;

import io.spanfold.local.cli.Arguments;
import io.spanfold.local.cli.Command;
import io.spanfold.local.cli.ProgressLine;
import io.spanfold.local.flink.JobOptions;
import io.spanfold.local.flink.SubmittedJob;
import io.spanfold.local.kafka.SpanCounts;
import io.spanfold.local.kafka.SpanProducer;
import io.spanfold.local.kafka.TopicReader;
import io.spanfold.local.kafka.Topics;
import io.spanfold.local.servers.InProcessServers;
import io.spanfold.local.servers.RunDirectory;
import io.spanfold.local.servers.ServerSettings;
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

/** Sends the bundled sample traces through the job in a loop until it is stopped. */
public final class Demo implements Command {

  private static final int PARTITIONS = 4;
  private static final int DEFAULT_PARALLELISM = 2;
  private static final Duration POLL = Duration.ofMillis(50);
  private static final long SECOND_NANOS = Duration.ofSeconds(1).toNanos();

  /** Segments become visible with the commit of a checkpoint: frequent ones make a live demo. */
  private static final Map<String, String> FLINK =
      Map.of("execution.checkpointing.interval", "2s", "web.refresh-interval", "1000");

  private final RunDirectory directory;

  public Demo(RunDirectory directory) {
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
        Starts Kafka, a three-node Redis Cluster and Flink, submits the job and sends sample
        traces at their natural pace, in a loop, until Ctrl-C.
        --parallelism N      of the job (%d)
        --kafka-port PORT, --web-port PORT   default: free ports
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
    try (InProcessServers servers =
        InProcessServers.start(
            directory,
            options.slots(parallelism),
            ServerSettings.of(arguments, PARTITIONS, FLINK))) {
      SubmittedJob job = servers.submit(options, parallelism, false);
      progress.print("Flink's web UI: " + servers.webUi());
      progress.print("Kafka:          " + servers.bootstrapServers());
      progress.print("Redis Cluster:  " + servers.redisUri());
      progress.print("Ctrl-C stops everything.");
      play(servers, job, progress);
    }
  }

  /** Ends only with an exception: the job has failed, or the broker is gone. */
  private static void play(InProcessServers servers, SubmittedJob job, ProgressLine progress)
      throws IOException {
    SpanCounts counts = new SpanCounts();
    SamplePlayer player = new SamplePlayer(RandomGenerator.getDefault());
    Deque<SamplePlayer.PlayedSpan> due = new ArrayDeque<>();
    try (SpanProducer producer = new SpanProducer(servers.bootstrapServers());
        TopicReader reader =
            new TopicReader(servers.bootstrapServers(), Topics.OUTPUT, counts::addOutput)) {
      long since = System.nanoTime();
      long sentBefore = 0;
      while (true) {
        if (due.isEmpty()) {
          due.addAll(player.round(System.currentTimeMillis()));
        }
        while (!due.isEmpty() && due.peek().receivedMillis() <= System.currentTimeMillis()) {
          SamplePlayer.PlayedSpan span = due.remove();
          producer.send(Optional.of(span.traceId()), span.receivedMillis(), span.value());
          counts.addSent(1);
        }
        reader.poll(POLL);
        long now = System.nanoTime();
        if (now - since >= SECOND_NANOS) {
          double rate = (counts.sent() - sentBefore) * (double) SECOND_NANOS / (now - since);
          progress.show(line(counts, rate, job.state()));
          since = now;
          sentBefore = counts.sent();
        }
      }
    }
  }

  private static String line(SpanCounts counts, double rate, String state) {
    return String.format(
        Locale.ROOT,
        "spans in %,d | segments out %,d (spans %,d) | %.0f spans/s | buffered %,d%s%s",
        counts.sent(),
        counts.messages(),
        counts.emitted(),
        rate,
        counts.open(),
        counts.deadLetters() == 0 ? "" : " | dead letters " + counts.deadLetters(),
        state.equals("RUNNING") ? "" : " | job " + state);
  }
}

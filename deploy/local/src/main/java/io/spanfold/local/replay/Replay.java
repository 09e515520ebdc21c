package io.spanfold.local.replay;

import io.spanfold.local.cli.Arguments;
import io.spanfold.local.cli.Command;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.cli.ProgressLine;
import io.spanfold.local.cli.UsageException;
import io.spanfold.local.flink.JobOptions;
import io.spanfold.local.flink.SubmittedJob;
import io.spanfold.local.kafka.OutputRecords;
import io.spanfold.local.kafka.SpanCounts;
import io.spanfold.local.kafka.SpanProducer;
import io.spanfold.local.kafka.TopicReader;
import io.spanfold.local.kafka.Topics;
import io.spanfold.local.servers.InProcessServers;
import io.spanfold.local.servers.RunDirectory;
import io.spanfold.local.servers.ServerSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Sends a file of source records through the job and writes the output to files. The whole file is
 * in Kafka before the job starts, and the job's source is bounded, so the job ends.
 */
public final class Replay implements Command {

  private static final int DEFAULT_PARTITIONS = 4;
  private static final int DEFAULT_PARALLELISM = 2;
  private static final int MAX = 128;

  private static final Map<String, String> FLINK =
      Map.of(
          // A bounded job ends with its next checkpoint.
          "execution.checkpointing.interval", "1s",
          // A job that keeps failing must report it, not restart forever.
          "restart-strategy.type", "fixed-delay",
          "restart-strategy.fixed-delay.attempts", "3",
          "restart-strategy.fixed-delay.delay", "1s");

  private final RunDirectory directory;

  public Replay(RunDirectory directory) {
    this.directory = directory;
  }

  @Override
  public String name() {
    return "replay";
  }

  @Override
  public String help() {
    return """
    deploy/local.sh replay --input FILE --output FILE [options] [-- job options]
        Sends a file of source records through the job as fast as possible, then ends.
        --input FILE         one record per line. A line that is not JSON is sent unchanged.
                             {"value_base64":"..."} is sent decoded, {"value":null} as a tombstone.
                             The Kafka timestamp is the record's `received`, or else the last seen
        --output FILE        the messages of the segments, one per line
        --dead-letters FILE  {"headers":{...},"key":...,"value":...}, one per line; bytes that are
                             not UTF-8 are base64 in key_base64, value_base64, headers_base64
        --outcomes FILE      the outcomes, one per line
        --partitions N       of the source topic (%d)
        --parallelism N      of the job (%d)
        --kafka-port PORT, --web-port PORT   default: free ports
        Exits with 0 if every span is accounted for, otherwise with 1 and the reason.
    """
        .formatted(DEFAULT_PARTITIONS, DEFAULT_PARALLELISM);
  }

  @Override
  public void run(List<String> given) throws IOException {
    Arguments arguments =
        Arguments.parse(
            given,
            Set.of(
                "input",
                "output",
                "dead-letters",
                "outcomes",
                "partitions",
                "parallelism",
                "kafka-port",
                "web-port"));
    Path input = arguments.file("input");
    Path output = arguments.file("output");
    Optional<Path> deadLetters = arguments.optionalFile("dead-letters");
    Optional<Path> outcomes = arguments.optionalFile("outcomes");
    int partitions = arguments.number("partitions", DEFAULT_PARTITIONS, 1, MAX);
    int parallelism = arguments.number("parallelism", DEFAULT_PARALLELISM, 1, MAX);
    JobOptions options = new JobOptions(arguments.jobOptions());
    if (!Files.isReadable(input) || Files.isDirectory(input)) {
      throw new FailedRunException("cannot read " + input + "; is it a file?");
    }
    refuseSameFile(input, output, deadLetters, outcomes);

    ProgressLine progress = new ProgressLine(progressInterval());
    try (OutputFiles files = new OutputFiles(output, deadLetters, outcomes)) {
      progress.show("starting Kafka, a Redis Cluster and Flink");
      try (InProcessServers servers =
          InProcessServers.start(
              directory,
              options.slots(parallelism),
              ServerSettings.of(arguments, partitions, FLINK))) {
        SourceFileSender.Sent sent = send(input, servers, progress);
        files.counts.addSent(sent.lines());
        progress.print("sent %,d records; Flink is at %s".formatted(sent.lines(), servers.webUi()));
        SubmittedJob job = servers.submit(options, parallelism, true);
        collect(servers, job, progress, files);
        check(files.counts, sent.repeats());
        progress.print(summary(files.counts));
      }
    }
  }

  private static void refuseSameFile(
      Path input, Path output, Optional<Path> deadLetters, Optional<Path> outcomes) {
    List<Path> files = new ArrayList<>(List.of(input, output));
    deadLetters.ifPresent(files::add);
    outcomes.ifPresent(files::add);
    Set<Path> distinct = new HashSet<>();
    for (Path file : files) {
      if (!distinct.add(real(file)) && !real(file).startsWith("/dev")) {
        throw new UsageException(file + " is given twice; each file needs its own path");
      }
    }
  }

  private static Path real(Path file) {
    try {
      return file.toRealPath();
    } catch (IOException e) {
      return file.toAbsolutePath().normalize();
    }
  }

  /** A terminal shows progress in place; a log gets fewer lines. */
  private static Duration progressInterval() {
    return Boolean.getBoolean("spanfold.terminal") ? Duration.ofMillis(200) : Duration.ofSeconds(5);
  }

  private static SourceFileSender.Sent send(
      Path input, InProcessServers servers, ProgressLine progress) throws IOException {
    try (SpanProducer producer = new SpanProducer(servers.bootstrapServers())) {
      return SourceFileSender.send(
          input, producer, lines -> progress.show("sending: %,d records".formatted(lines)));
    }
  }

  private static void collect(
      InProcessServers servers, SubmittedJob job, ProgressLine progress, OutputFiles files)
      throws IOException {
    try (TopicReader reader =
        new TopicReader(servers.bootstrapServers(), Topics.OUTPUT, files::write)) {
      while (!job.isFinished()) {
        reader.poll(Duration.ofMillis(200));
        progress.show("the job runs: " + summary(files.counts));
      }
      reader.drain();
    }
  }

  private static String summary(SpanCounts counts) {
    return String.format(
        Locale.ROOT,
        "%,d records in; %,d spans out in %,d messages, %,d dead letters, %,d spans in outcomes,"
            + " %,d open or duplicate",
        counts.sent(),
        counts.emitted(),
        counts.messages(),
        counts.deadLetters(),
        counts.outcomes(),
        counts.open());
  }

  /** After the end only duplicates may be open: at most the lines that repeat a span. */
  private static void check(SpanCounts counts, long repeats) {
    if (counts.open() < 0) {
      throw new FailedRunException(
          "%,d more spans came out than went in: %s".formatted(-counts.open(), summary(counts)));
    }
    if (counts.open() > repeats) {
      throw new FailedRunException(
          "%,d spans are missing (only %,d lines repeat a span): %s"
              .formatted(counts.open() - repeats, repeats, summary(counts)));
    }
  }

  /** The output files and the counts of what was written to them. */
  private static final class OutputFiles implements AutoCloseable {
    private final SpanCounts counts = new SpanCounts();
    private final LineWriter segments;
    private final LineWriter deadLetters;
    private final LineWriter outcomes;

    OutputFiles(Path segments, Optional<Path> deadLetters, Optional<Path> outcomes) {
      this.segments = LineWriter.create(segments);
      this.deadLetters = deadLetters.map(LineWriter::create).orElseGet(LineWriter::none);
      this.outcomes = outcomes.map(LineWriter::create).orElseGet(LineWriter::none);
    }

    void write(ConsumerRecord<byte[], byte[]> output) throws IOException {
      switch (output.topic()) {
        case Topics.SEGMENTS -> segments.write(OutputRecords.oneLine(output.value()));
        case Topics.DEAD_LETTERS -> deadLetters.write(OutputRecords.deadLetter(output));
        default -> outcomes.write(OutputRecords.oneLine(output.value()));
      }
      counts.addOutput(output);
    }

    @Override
    public void close() {
      segments.close();
      deadLetters.close();
      outcomes.close();
    }
  }
}

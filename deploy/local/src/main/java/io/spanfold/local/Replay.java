package io.spanfold.local;

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

/**
 * Plays a file of source records through the job and writes what comes out. The whole file is in
 * Kafka before the job starts, and the job's source is bounded, so that it ends by itself.
 */
final class Replay implements Command {

  private static final int DEFAULT_PARTITIONS = 4;
  private static final int DEFAULT_PARALLELISM = 2;
  private static final int MOST = 128;

  /** A bounded job ends with a checkpoint: the sooner one comes, the sooner it ends. */
  private static final Map<String, String> FLINK =
      Map.of(
          "execution.checkpointing.interval", "1s",
          // A job that cannot go on is to say so, not to try for ever.
          "restart-strategy.type", "fixed-delay",
          "restart-strategy.fixed-delay.attempts", "3",
          "restart-strategy.fixed-delay.delay", "1s");

  private final RunDirectory directory;

  Replay(RunDirectory directory) {
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
        Plays a file of source records through the job as fast as it goes, and ends.
        --input FILE         one record a line; what is not JSON is sent as it is, what no line
                             can hold as {"value_base64":"..."}, a tombstone as {"value":null}.
                             The Kafka timestamp is the record's `received`, or else the last seen
        --output FILE        the messages of the segments, one a line
        --dead-letters FILE  {"headers":{...},"key":...,"value":...}, one a line; what is not
                             UTF-8 is base64 in key_base64, value_base64, headers_base64
        --outcomes FILE      the outcomes, one a line
        --partitions N       of the source topic (%d)
        --parallelism N      of the job (%d)
        --kafka-port PORT, --web-port PORT   free ones unless given
        Exits with 0 if every span is accounted for, else with 1 and the reason.
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
    int partitions = arguments.number("partitions", DEFAULT_PARTITIONS, 1, MOST);
    int parallelism = arguments.number("parallelism", DEFAULT_PARALLELISM, 1, MOST);
    JobOptions options = new JobOptions(arguments.jobOptions());
    if (!Files.isReadable(input) || Files.isDirectory(input)) {
      throw new FailedRunException("cannot read " + input + "; is it a file?");
    }
    refuseSameFile(input, output, deadLetters, outcomes);

    ProgressLine progress = new ProgressLine(progressInterval());
    try (LineFile segmentLines = LineFile.create(output);
        LineFile deadLetterLines = deadLetters.map(LineFile::create).orElseGet(LineFile::none);
        LineFile outcomeLines = outcomes.map(LineFile::create).orElseGet(LineFile::none)) {
      progress.show("starting Kafka, a Redis Cluster and Flink");
      LocalServers.Settings settings =
          new LocalServers.Settings(
              partitions,
              options.slots(parallelism),
              arguments.port("kafka-port"),
              arguments.port("web-port"),
              FLINK);
      try (LocalServers servers = LocalServers.start(directory, settings)) {
        Tally tally = new Tally();
        SpanFileProducer.Sent sent = send(input, servers, progress);
        tally.in = sent.lines();
        progress.print(
            "sent %,d records; Flink is at %s".formatted(sent.lines(), servers.flink().address()));
        JobSubmission job = servers.submit(options, true, parallelism);
        collect(servers, job, progress, tally, segmentLines, deadLetterLines, outcomeLines);
        check(tally, sent.repeats());
        progress.print(summary(tally));
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
        throw new UsageException(file + " is given twice; each file has its own path");
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

  /** A log wants fewer lines than a terminal that shows them in place. */
  private static Duration progressInterval() {
    return Boolean.getBoolean("spanfold.terminal") ? Duration.ofMillis(200) : Duration.ofSeconds(5);
  }

  private static SpanFileProducer.Sent send(Path input, LocalServers servers, ProgressLine progress)
      throws IOException {
    try (SpanProducer producer = new SpanProducer(servers.bootstrapServers())) {
      return SpanFileProducer.send(
          input, producer, lines -> progress.show("sending: %,d records".formatted(lines)));
    }
  }

  private static void collect(
      LocalServers servers,
      JobSubmission job,
      ProgressLine progress,
      Tally tally,
      LineFile segmentLines,
      LineFile deadLetterLines,
      LineFile outcomeLines)
      throws IOException {
    Map<String, TopicCollector.Sink> sinks =
        Map.of(
            Topics.SEGMENTS,
            segment -> {
              segmentLines.write(OutputLines.oneLine(segment.value()));
              tally.addSegment(OutputLines.spansIn(segment.value()));
            },
            Topics.DEAD_LETTERS,
            letter -> {
              deadLetterLines.write(OutputLines.deadLetter(letter));
              tally.deadLetters++;
            },
            Topics.OUTCOMES,
            outcome -> {
              outcomeLines.write(OutputLines.oneLine(outcome.value()));
              tally.outcomes += OutputLines.quantityOf(outcome.value());
            });
    try (TopicCollector collector = new TopicCollector(servers.bootstrapServers(), sinks)) {
      while (!job.isFinished()) {
        collector.poll(Duration.ofMillis(200));
        progress.show("the job runs: " + summary(tally));
      }
      collector.drain();
    }
  }

  private static String summary(Tally tally) {
    return String.format(
        Locale.ROOT,
        "%,d records in; %,d spans out in %,d messages, %,d dead letters, %,d spans in outcomes,"
            + " %,d open or duplicate",
        tally.in,
        tally.out,
        tally.segments,
        tally.deadLetters,
        tally.outcomes,
        tally.open());
  }

  /** After the end only duplicates may be open, and those are at most the repeated lines. */
  private static void check(Tally tally, long repeats) {
    if (tally.open() < 0) {
      throw new FailedRunException(
          "%,d more spans came out than went in: %s".formatted(-tally.open(), summary(tally)));
    }
    if (tally.open() > repeats) {
      throw new FailedRunException(
          "%,d spans are missing (only %,d lines repeat a span): %s"
              .formatted(tally.open() - repeats, repeats, summary(tally)));
    }
  }
}

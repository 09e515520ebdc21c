package io.spanfold.local.bench;

import io.spanfold.local.flink.SubmittedJob;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The subject of a measurement: a job and Flink's state backend.
 *
 * @param label its name in tables
 * @param kind which job it is
 * @param file its jar; a relative path begins in the directory of the job's jar
 * @param stateBackend the value of Flink's {@code state.backend.type}
 * @param phase the value of {@code rollout.phase}, if it is Spanfold
 */
record Contender(String label, Kind kind, Path file, String stateBackend, String phase) {

  private static final String DISTRIBUTED = "distributed";
  private static final String ROCKSDB = "rocksdb";
  private static final String HEAP = "hashmap";

  /** The job in the last rollout phase. */
  static final Contender SPANFOLD = spanfold("spanfold", ROCKSDB, DISTRIBUTED);

  /** The job with its state on the heap. */
  static final Contender SPANFOLD_HEAP = spanfold("spanfold-heap", HEAP, DISTRIBUTED);

  /** Read, parse, shuffle by key, count: Flink's ceiling. */
  static final Contender CEILING = reference("ceiling", Kind.CEILING, HEAP);

  /** Payloads in keyed state in RocksDB, without Redis. */
  static final Contender PLAIN_ROCKSDB = reference("plain-rocksdb", Kind.PLAIN, ROCKSDB);

  /** Payloads in keyed state on the heap, without Redis. */
  static final Contender PLAIN_HEAP = reference("plain-heap", Kind.PLAIN, HEAP);

  /** The job and the jobs that it is compared with. */
  static final List<Contender> RIVALS =
      List.of(SPANFOLD, SPANFOLD_HEAP, CEILING, PLAIN_ROCKSDB, PLAIN_HEAP);

  /** The job in each rollout phase. */
  static final List<Contender> PHASES =
      List.of(
          spanfold("merged", ROCKSDB, "merged"),
          spanfold("dual-write", ROCKSDB, "dual-write"),
          spanfold("dual-read", ROCKSDB, "dual-read"),
          SPANFOLD);

  /** A job. */
  enum Kind {
    /** The main class is that of the jar's manifest. */
    SPANFOLD("", "Track"),
    CEILING("io.spanfold.reference.CeilingJob", "Count"),
    PLAIN("io.spanfold.reference.PlainFlinkJob", "Buffer");

    private final String mainClass;
    private final String statefulOperator;

    Kind(String mainClass, String statefulOperator) {
      this.mainClass = mainClass;
      this.statefulOperator = statefulOperator;
    }
  }

  private static Contender spanfold(String label, String stateBackend, String phase) {
    return new Contender(label, Kind.SPANFOLD, Path.of("spanfold-job.jar"), stateBackend, phase);
  }

  private static Contender reference(String label, Kind kind, String stateBackend) {
    return new Contender(label, kind, Path.of("reference-jobs.jar"), stateBackend, "");
  }

  /**
   * Returns the job of another commit. Its options and metrics must have today's names, as those of
   * c8822cd have.
   */
  static Contender baseline(Path jar) {
    return new Contender("baseline", Kind.SPANFOLD, jar.toAbsolutePath(), ROCKSDB, DISTRIBUTED);
  }

  Path jar() {
    return SubmittedJob.jar().resolveSibling(file);
  }

  /** Returns the main class; empty for that of the jar's manifest. */
  String mainClass() {
    return kind.mainClass;
  }

  /** Returns the name of the operator that holds the traces. */
  String statefulOperator() {
    return kind.statefulOperator;
  }

  boolean isSpanfold() {
    return kind == Kind.SPANFOLD;
  }

  boolean writesSegments() {
    return kind != Kind.CEILING;
  }

  /** Returns the job's options. */
  Map<String, String> options(JobTopics topics, BenchServers servers, Timeouts timeouts) {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("kafka.bootstrap.servers", servers.bootstrapServers());
    options.put("source.topic", topics.source());
    options.put("source.group.id", "bench-" + topics.segments());
    options.put("sink.topic", topics.segments());
    options.put("sink.transactional-id-prefix", "bench-" + topics.segments());
    if (isSpanfold()) {
      options.put("source.starting-offsets", "earliest");
      options.put("dead-letter.topic", topics.deadLetters());
      options.put("outcomes.topic", topics.outcomes());
      options.put("redis.uri", servers.redis().uriList());
      options.put("rollout.phase", phase);
      options.put("segment.timeout", timeouts.timeoutMillis() + " ms");
      options.put("segment.root-timeout", timeouts.rootTimeoutMillis() + " ms");
      if (timeouts.timeoutMillis() > Timeouts.STANDARD.timeoutMillis()) {
        options.put("segment.max-age", "10 h");
      }
    } else {
      options.put("segment.timeout-ms", String.valueOf(timeouts.timeoutMillis()));
      options.put("segment.root-timeout-ms", String.valueOf(timeouts.rootTimeoutMillis()));
    }
    return options;
  }

  /**
   * When parts are due.
   *
   * @param timeoutMillis of a part without a root
   * @param rootTimeoutMillis of a part with a root
   */
  record Timeouts(long timeoutMillis, long rootTimeoutMillis) {
    /** The job's defaults. */
    static final Timeouts STANDARD = new Timeouts(60_000, 10_000);

    /** Nothing is due during a measurement. */
    static final Timeouts NEVER = new Timeouts(3_600_000, 3_600_000);
  }

  /** The topics of one run; only the source is shared with other runs. */
  record JobTopics(String source, String segments) {
    String deadLetters() {
      return segments + "-dead-letters";
    }

    String outcomes() {
      return segments + "-outcomes";
    }
  }
}

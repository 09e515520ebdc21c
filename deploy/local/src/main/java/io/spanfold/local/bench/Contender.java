package io.spanfold.local.bench;

import io.spanfold.local.FailedRunException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What is measured: a job, and what Flink keeps its state in. */
enum Contender {
  /** The job as it is meant to be run. */
  SPANFOLD("spanfold", "spanfold-job.jar", Optional.empty(), "rocksdb"),
  /** The job in the first rollout phase. */
  MERGED("merged", "spanfold-job.jar", Optional.empty(), "rocksdb"),
  /** The job in the second rollout phase. */
  DUAL_WRITE("dual-write", "spanfold-job.jar", Optional.empty(), "rocksdb"),
  /** The job in the third rollout phase. */
  DUAL_READ("dual-read", "spanfold-job.jar", Optional.empty(), "rocksdb"),
  /** The job with its state on the heap. */
  SPANFOLD_HEAP("spanfold-heap", "spanfold-job.jar", Optional.empty(), "hashmap"),
  /** Read, parse, carry to the key, count: what Flink allows. */
  CEILING(
      "ceiling", "reference-jobs.jar", Optional.of("io.spanfold.reference.CeilingJob"), "hashmap"),
  /** Payloads in keyed state on RocksDB, and no Redis. */
  PLAIN_ROCKSDB(
      "plain-rocksdb",
      "reference-jobs.jar",
      Optional.of("io.spanfold.reference.PlainFlinkJob"),
      "rocksdb"),
  /** Payloads in keyed state on the heap, and no Redis. */
  PLAIN_HEAP(
      "plain-heap",
      "reference-jobs.jar",
      Optional.of("io.spanfold.reference.PlainFlinkJob"),
      "hashmap");

  /** What the job is held against, and the job. */
  static final List<Contender> RIVALS =
      List.of(SPANFOLD, SPANFOLD_HEAP, CEILING, PLAIN_ROCKSDB, PLAIN_HEAP);

  /** The job in each of its phases; {@link #SPANFOLD} is in the last, as the job is meant to be. */
  static final List<Contender> PHASES = List.of(MERGED, DUAL_WRITE, DUAL_READ, SPANFOLD);

  private final String label;
  private final String jar;
  private final Optional<String> mainClass;
  private final String stateBackend;

  Contender(String label, String jar, Optional<String> mainClass, String stateBackend) {
    this.label = label;
    this.jar = jar;
    this.mainClass = mainClass;
    this.stateBackend = stateBackend;
  }

  /** Returns its name in tables. */
  String label() {
    return label;
  }

  /** Returns the jar that is submitted: it lies beside that of the job. */
  Path jar() {
    String job = System.getProperty("spanfold.job.jar");
    if (job == null) {
      throw new FailedRunException(
          "the system property spanfold.job.jar names no jar; start with deploy/local.sh");
    }
    return Path.of(job).resolveSibling(jar);
  }

  /** Returns the main class; none where the jar names it. */
  Optional<String> mainClass() {
    return mainClass;
  }

  /** Returns where Flink keeps its state, in Flink's words. */
  String stateBackend() {
    return stateBackend;
  }

  /** Returns the job's rollout phase. */
  String phase() {
    return this == MERGED || this == DUAL_WRITE || this == DUAL_READ ? label : "distributed";
  }

  boolean isSpanfold() {
    return mainClass.isEmpty();
  }

  boolean writesSegments() {
    return this != CEILING;
  }

  /** Returns the job's options, of all those given the ones it knows. */
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
      options.put("redis.uri", servers.redisUri());
      options.put("rollout.phase", phase());
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
   * @param timeoutMillis without a root
   * @param rootTimeoutMillis with one
   */
  record Timeouts(long timeoutMillis, long rootTimeoutMillis) {
    /** The job's defaults. */
    static final Timeouts STANDARD = new Timeouts(60_000, 10_000);

    /** So long that nothing is due while one measures. */
    static final Timeouts NEVER = new Timeouts(3_600_000, 3_600_000);
  }

  /** The topics of one run; all but the source are the run's own. */
  record JobTopics(String source, String segments) {
    String deadLetters() {
      return segments + "-dead-letters";
    }

    String outcomes() {
      return segments + "-outcomes";
    }
  }
}

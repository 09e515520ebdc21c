package io.spanfold.local.bench;

import io.spanfold.local.flink.SubmittedJob;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The subject of a measurement: a job and Flink's state backend. */
enum Contender {
  /** The job in the last rollout phase. */
  SPANFOLD("spanfold", "spanfold-job.jar", Optional.empty(), "rocksdb"),
  /** The job in the first rollout phase. */
  MERGED("merged", "spanfold-job.jar", Optional.empty(), "rocksdb"),
  /** The job in the second rollout phase. */
  DUAL_WRITE("dual-write", "spanfold-job.jar", Optional.empty(), "rocksdb"),
  /** The job in the third rollout phase. */
  DUAL_READ("dual-read", "spanfold-job.jar", Optional.empty(), "rocksdb"),
  /** The job with its state on the heap. */
  SPANFOLD_HEAP("spanfold-heap", "spanfold-job.jar", Optional.empty(), "hashmap"),
  /** Read, parse, shuffle by key, count: Flink's ceiling. */
  CEILING(
      "ceiling", "reference-jobs.jar", Optional.of("io.spanfold.reference.CeilingJob"), "hashmap"),
  /** Payloads in keyed state in RocksDB, without Redis. */
  PLAIN_ROCKSDB(
      "plain-rocksdb",
      "reference-jobs.jar",
      Optional.of("io.spanfold.reference.PlainFlinkJob"),
      "rocksdb"),
  /** Payloads in keyed state on the heap, without Redis. */
  PLAIN_HEAP(
      "plain-heap",
      "reference-jobs.jar",
      Optional.of("io.spanfold.reference.PlainFlinkJob"),
      "hashmap");

  /** The job and the jobs that it is compared with. */
  static final List<Contender> RIVALS =
      List.of(SPANFOLD, SPANFOLD_HEAP, CEILING, PLAIN_ROCKSDB, PLAIN_HEAP);

  /** The job in each rollout phase. */
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

  String label() {
    return label;
  }

  /** Returns the jar, which is in the directory of the job's jar. */
  Path jar() {
    return SubmittedJob.jar().resolveSibling(jar);
  }

  /** Returns the main class; empty for that of the jar's manifest. */
  Optional<String> mainClass() {
    return mainClass;
  }

  /** Returns the value of Flink's {@code state.backend.type}. */
  String stateBackend() {
    return stateBackend;
  }

  /** Returns the value of {@code rollout.phase}. */
  String phase() {
    return this == MERGED || this == DUAL_WRITE || this == DUAL_READ ? label : "distributed";
  }

  boolean isSpanfold() {
    return mainClass.isEmpty();
  }

  boolean writesSegments() {
    return this != CEILING;
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

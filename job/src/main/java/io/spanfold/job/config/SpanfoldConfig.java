package io.spanfold.job.config;

import io.spanfold.buffer.layout.RolloutPhase;
import java.io.Serializable;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;

/**
 * The settings that the job is built from: read, checked against one another, immutable. They
 * travel to the task managers with the job, the password included; no text made from them shows a
 * secret.
 *
 * @param kafka how to reach Kafka
 * @param source what is read
 * @param sink what is written
 * @param redis how to reach Redis, and how much of it may be used
 * @param ingest how spans are gathered into batches
 * @param segment when parts are due
 * @param flush how parts are flushed
 * @param phase which payload layouts are written and read
 * @param compressionLevel Zstandard level of payloads; 0 is its default, -1 is off
 * @param compressionDictionary whether payloads are compressed with a trained dictionary
 * @param startChecks whether servers are checked before the job is submitted
 * @param debugTraces trace ids (32 lower-case hexadecimal digits) whose way is logged
 * @param checkpointInterval the interval that the options were checked against
 * @param shown the options in force by name, secrets masked
 */
public record SpanfoldConfig(
    KafkaSettings kafka,
    SourceSettings source,
    SinkSettings sink,
    RedisSettings redis,
    IngestSettings ingest,
    SegmentSettings segment,
    FlushSettings flush,
    RolloutPhase phase,
    int compressionLevel,
    boolean compressionDictionary,
    boolean startChecks,
    List<String> debugTraces,
    Duration checkpointInterval,
    Map<String, String> shown)
    implements Serializable {

  private static final long serialVersionUID = 1L;

  /** How often a checkpoint is taken unless Flink's configuration says otherwise. */
  public static final Duration DEFAULT_CHECKPOINT_INTERVAL = Duration.ofSeconds(10);

  /** The largest value of a sink record that can be asked for, in bytes. */
  public static final int MAX_CHUNK_BYTES = 10_000_000;

  /** What a topic's and a producer's limit must exceed a record's value by, in bytes. */
  public static final int RECORD_OVERHEAD_BYTES = 64 * 1024;

  /** How long a commit may take, from the end of the checkpoint to the end of the clean-up. */
  static final Duration COMMIT_ALLOWANCE = Duration.ofSeconds(30);

  /**
   * Reads and checks options for a job with a checkpoint every {@link
   * #DEFAULT_CHECKPOINT_INTERVAL}.
   *
   * @throws InvalidConfigException with everything that is wrong
   */
  public static SpanfoldConfig of(Configuration options) {
    return of(options, DEFAULT_CHECKPOINT_INTERVAL);
  }

  /**
   * Reads and checks options. The Redis password is that of {@code redis.password}, else the first
   * line of {@code redis.password.file}, else the environment's {@code SPANFOLD_REDIS_PASSWORD}.
   *
   * @param checkpointInterval how often the job will take a checkpoint
   * @throws InvalidConfigException with everything that is wrong
   */
  public static SpanfoldConfig of(Configuration options, Duration checkpointInterval) {
    return new ConfigLoader(options, checkpointInterval, System::getenv).load();
  }

  /** Returns the options in force, one {@code name: value} a line, sorted, secrets masked. */
  public String describe() {
    return new TreeMap<>(shown)
        .entrySet().stream()
            .map(entry -> entry.getKey() + ": " + entry.getValue() + "\n")
            .collect(Collectors.joining());
  }

  @Override
  public String toString() {
    return "SpanfoldConfig" + new TreeMap<>(shown);
  }

  /**
   * How to reach Kafka.
   *
   * @param bootstrapServers brokers to start from
   * @param properties for every client, as given; {@code transaction.timeout.ms} is always there
   */
  public record KafkaSettings(String bootstrapServers, Map<String, String> properties)
      implements Serializable {
    /** Returns how long the broker keeps a transaction open, in milliseconds. */
    public long transactionTimeoutMs() {
      return Long.parseLong(properties.get("transaction.timeout.ms"));
    }

    @Override
    public String toString() {
      return "KafkaSettings[" + bootstrapServers + ", properties " + properties.keySet() + "]";
    }
  }

  /**
   * What is read.
   *
   * @param topic the topic of spans
   * @param groupId the consumer group
   * @param startingOffsets where a job without state starts
   * @param bounded whether to end at the end offsets found at the start
   */
  public record SourceSettings(
      String topic, String groupId, StartingOffsets startingOffsets, boolean bounded)
      implements Serializable {}

  /**
   * What is written.
   *
   * @param topic the topic of segments
   * @param guarantee that of all sinks
   * @param transactionalIdPrefix which every sink adds its own name to
   * @param deadLetterTopic the topic of records that cannot be processed
   * @param outcomesTopic the topic of outcomes
   */
  public record SinkSettings(
      String topic,
      DeliveryGuarantee guarantee,
      String transactionalIdPrefix,
      String deadLetterTopic,
      String outcomesTopic)
      implements Serializable {}

  /**
   * How to reach Redis.
   *
   * @param nodes {@code redis://host:port} or {@code rediss://host:port}, all of one scheme, at
   *     least one, each with its port
   * @param username null for the default user
   * @param password null for none
   * @param authorities PEM text of those that may sign certificates; null for Java's trust store
   * @param ttl how long a key stays if nothing deletes it
   * @param maxMemoryFraction share of {@code maxmemory} above which the source pauses
   * @param buffer name of the lease
   */
  public record RedisSettings(
      List<URI> nodes,
      String username,
      String password,
      String authorities,
      Duration ttl,
      double maxMemoryFraction,
      String buffer)
      implements Serializable {
    /** Returns whether connections are encrypted. */
    public boolean tls() {
      return nodes.get(0).getScheme().equals("rediss");
    }

    @Override
    public String toString() {
      String login = password == null ? "no password" : "with a password";
      return "RedisSettings" + nodes + " (" + login + ", buffer " + buffer + ")";
    }
  }

  /**
   * How spans are gathered into batches.
   *
   * @param batchMaxSpans spans at which a batch is written
   * @param batchMaxBytes record bytes at which it is
   * @param batchMaxDelay how long it gathers at most
   * @param drop whose spans are dropped: {@code project}, {@code project:trace} (the trace as 32
   *     lower-case digits) or {@code organization:id}
   * @param adopt whether a job without state first takes over what Redis holds
   */
  public record IngestSettings(
      int batchMaxSpans,
      long batchMaxBytes,
      Duration batchMaxDelay,
      List<String> drop,
      boolean adopt)
      implements Serializable {}

  /**
   * When parts are due.
   *
   * @param timeout after the last span, without a known root
   * @param rootTimeout after the last span, with a known root
   * @param maxBytes record bytes at which a part is closed
   * @param maxSpans how many spans a segment may have before it is flushed and forgotten
   * @param maxAge after the first span
   * @param lateGrace how long a flushed segment is remembered
   */
  public record SegmentSettings(
      Duration timeout,
      Duration rootTimeout,
      long maxBytes,
      int maxSpans,
      Duration maxAge,
      Duration lateGrace)
      implements Serializable {}

  /**
   * How parts are flushed.
   *
   * @param parallelism 0 for the job's
   * @param inFlightBytes record bytes that a task loads at the same time at most
   * @param lockTtl life of a flush lock
   * @param chunkBytes largest value of a sink record; 0 for what the topic accepts less {@link
   *     #RECORD_OVERHEAD_BYTES}, at most {@link #MAX_CHUNK_BYTES}
   */
  public record FlushSettings(int parallelism, long inFlightBytes, Duration lockTtl, int chunkBytes)
      implements Serializable {}
}

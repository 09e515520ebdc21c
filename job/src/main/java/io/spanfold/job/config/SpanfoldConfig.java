package io.spanfold.job.config;

import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.core.batch.BatchLimits;
import io.spanfold.core.fold.FoldSettings;
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
 * The checked, immutable settings that the job is built from. They are serialized with the job, the
 * Redis password included. No text made from them shows a secret.
 *
 * @param segment when parts are due, and how large they may get
 * @param phase which payload layouts are written and read
 * @param compressionLevel Zstandard level of payloads; 0 is its default, -1 is off
 * @param compressionDictionary whether payloads are compressed with a trained dictionary
 * @param startChecks whether servers are checked before the job is submitted
 * @param debugTraces ids (32 lower-case hexadecimal digits) of the traces to log in full
 * @param checkpointInterval the interval that the options were checked against
 * @param shown the options in force by name, secrets masked
 */
public record SpanfoldConfig(
    KafkaSettings kafka,
    SourceSettings source,
    SinkSettings sink,
    RedisSettings redis,
    IngestSettings ingest,
    FoldSettings segment,
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

  /** The bytes by which a topic's and a producer's limit must exceed a record's value. */
  public static final int RECORD_OVERHEAD_BYTES = 64 * 1024;

  /** Longest expected time from the end of a checkpoint to the end of the clean-up after it. */
  static final Duration COMMIT_ALLOWANCE = Duration.ofSeconds(30);

  /**
   * Reads and checks options for a job with a checkpoint every {@link #DEFAULT_CHECKPOINT_INTERVAL}
   * and a maximum parallelism of {@link Buckets#DEFAULT_MAX_PARALLELISM}.
   *
   * @throws InvalidSetupException with every problem
   */
  public static SpanfoldConfig of(Configuration options) {
    return of(options, DEFAULT_CHECKPOINT_INTERVAL, Buckets.DEFAULT_MAX_PARALLELISM);
  }

  /**
   * Reads and checks options. The Redis password is that of {@code redis.password}, else the first
   * line of {@code redis.password.file}, else the environment's {@code SPANFOLD_REDIS_PASSWORD}.
   *
   * @param checkpointInterval how often the job will take a checkpoint
   * @param maxParallelism the job's number of key groups
   * @throws InvalidSetupException with every problem
   */
  public static SpanfoldConfig of(
      Configuration options, Duration checkpointInterval, int maxParallelism) {
    return new ConfigLoader(options, checkpointInterval, maxParallelism, System::getenv).load();
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
   * @param properties for every client, as given; always with {@code transaction.timeout.ms}
   */
  public record KafkaSettings(String bootstrapServers, Map<String, String> properties)
      implements Serializable {
    /** Returns how long a broker keeps a transaction open, in milliseconds. */
    public long transactionTimeoutMs() {
      return Long.parseLong(properties.get("transaction.timeout.ms"));
    }

    @Override
    public String toString() {
      return "KafkaSettings[" + bootstrapServers + ", properties " + properties.keySet() + "]";
    }
  }

  /**
   * The source.
   *
   * @param bounded whether to stop at the end offsets found at the start
   * @param maxLag how far a partition that is read to its end may be behind the others
   * @param maxSilence how long the others wait for a partition that cannot be read
   */
  public record SourceSettings(
      String topic,
      String groupId,
      StartingOffsets startingOffsets,
      boolean bounded,
      Duration maxLag,
      Duration maxSilence)
      implements Serializable {}

  /**
   * The sinks.
   *
   * @param topic the topic of segments
   * @param guarantee for all sinks
   * @param transactionalIdPrefix the prefix to which every sink adds its own name
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
   * @param authorities certificates of the authorities as PEM text; null for Java's trust store
   * @param ttl how long a key lives if nothing deletes it
   * @param maxMemoryFraction share of {@code maxmemory} above which the source pauses
   * @param buffer name of the lease
   * @param buckets the buckets that traces are divided into, of the job's key groups
   */
  public record RedisSettings(
      List<URI> nodes,
      String username,
      String password,
      String authorities,
      Duration ttl,
      double maxMemoryFraction,
      String buffer,
      Buckets buckets)
      implements Serializable {
    @Override
    public String toString() {
      String login = password == null ? "no password" : "with a password";
      return "RedisSettings" + nodes + " (" + login + ", buffer " + buffer + ")";
    }
  }

  /**
   * How spans are read into batches.
   *
   * @param adopt whether a job without state first emits what a lost job left in Redis
   */
  public record IngestSettings(BatchLimits batch, DropRules drop, boolean adopt)
      implements Serializable {}

  /**
   * How parts are flushed.
   *
   * @param parallelism 0 for the job's
   * @param inFlightBytes most record bytes that a task loads at the same time
   * @param lockTtl how long the lock of a bucket lives after the last flush from it
   * @param chunkBytes largest value of a segment message; 0 for what the topic accepts less {@link
   *     #RECORD_OVERHEAD_BYTES}, at most {@link #MAX_CHUNK_BYTES}
   */
  public record FlushSettings(int parallelism, long inFlightBytes, Duration lockTtl, int chunkBytes)
      implements Serializable {}
}

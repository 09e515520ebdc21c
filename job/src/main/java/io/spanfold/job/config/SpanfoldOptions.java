package io.spanfold.job.config;

import static org.apache.flink.configuration.ConfigOptions.key;

import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.layout.RolloutPhase;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.connector.base.DeliveryGuarantee;

/** All options: key, type, default and description. */
public final class SpanfoldOptions {

  /** Prefix of the properties that every Kafka client gets. */
  static final String KAFKA_PROPERTIES_PREFIX = "kafka.properties.";

  static final String KAFKA_PROPERTIES_DESCRIPTION =
      "Any property of the Kafka clients, such as `kafka.properties.security.protocol`;"
          + " `transaction.timeout.ms` is 900000 and `partition.discovery.interval.ms` is 10000"
          + " unless given here.";

  /** Environment variable that holds the Redis password if no option does. */
  static final String REDIS_PASSWORD_VARIABLE = "SPANFOLD_REDIS_PASSWORD";

  private static final Pattern SECRET =
      Pattern.compile("(?i)password|jaas|secret|token|credential|keystore\\.key$");

  public static final ConfigOption<String> KAFKA_BOOTSTRAP_SERVERS =
      key("kafka.bootstrap.servers")
          .stringType()
          .noDefaultValue()
          .withDescription("Kafka brokers to connect to first, as `host:port,host:port`.");

  public static final ConfigOption<String> SOURCE_TOPIC =
      key("source.topic")
          .stringType()
          .defaultValue("ingest-spans")
          .withDescription("Topic to read spans from.");

  public static final ConfigOption<String> SOURCE_GROUP_ID =
      key("source.group.id")
          .stringType()
          .defaultValue("spanfold")
          .withDescription(
              "Consumer group that offsets are committed to, for lag monitoring and for a start"
                  + " without state.");

  public static final ConfigOption<String> SOURCE_STARTING_OFFSETS =
      key("source.starting-offsets")
          .stringType()
          .defaultValue("committed")
          .withDescription(
              "Where a job without state starts to read: `earliest`, `latest`, `committed` (the"
                  + " offsets of the consumer group, or the earliest if it has none) or a record time"
                  + " in milliseconds since 1970.");

  public static final ConfigOption<Boolean> SOURCE_BOUNDED =
      key("source.bounded")
          .booleanType()
          .defaultValue(false)
          .withDescription(
              "Whether to stop at the end offsets found at the start, after everything is"
                  + " flushed.");

  public static final ConfigOption<Duration> SOURCE_MAX_LAG =
      key("source.max-lag")
          .durationType()
          .defaultValue(Duration.ofMinutes(1))
          .withDescription(
              "How far in record time a partition that is read to its end may hold back the others.");

  public static final ConfigOption<Duration> SOURCE_MAX_SILENCE =
      key("source.max-silence")
          .durationType()
          .defaultValue(Duration.ofMinutes(5))
          .withDescription(
              "How long the others wait for a partition that cannot be read: its leader does not"
                  + " answer, nothing of it arrives, or a transaction in it stays open.");

  public static final ConfigOption<String> SINK_TOPIC =
      key("sink.topic")
          .stringType()
          .defaultValue("buffered-segments")
          .withDescription("Topic to write segments to.");

  public static final ConfigOption<DeliveryGuarantee> SINK_DELIVERY_GUARANTEE =
      key("sink.delivery-guarantee")
          .enumType(DeliveryGuarantee.class)
          .defaultValue(DeliveryGuarantee.EXACTLY_ONCE)
          .withDescription(
              "Guarantee for segments, outcomes and dead letters: `exactly-once`, `at-least-once`"
                  + " or `none`.");

  public static final ConfigOption<String> SINK_TRANSACTIONAL_ID_PREFIX =
      key("sink.transactional-id-prefix")
          .stringType()
          .defaultValue("spanfold")
          .withDescription(
              "Prefix of the transactional ids of all sinks; jobs that write to the same Kafka"
                  + " cluster need different prefixes.");

  public static final ConfigOption<String> DEAD_LETTER_TOPIC =
      key("dead-letter.topic")
          .stringType()
          .defaultValue("ingest-spans-dlq")
          .withDescription("Topic for source records that cannot be processed.");

  public static final ConfigOption<String> OUTCOMES_TOPIC =
      key("outcomes.topic")
          .stringType()
          .defaultValue("outcomes")
          .withDescription(
              "Topic for outcomes, which report valid spans that will never be emitted.");

  public static final ConfigOption<String> REDIS_URI =
      key("redis.uri")
          .stringType()
          .noDefaultValue()
          .withDescription(
              "One or more Redis nodes, as `redis://host:port` or `rediss://host:port` (TLS),"
                  + " separated by commas; a Redis Cluster is detected.");

  public static final ConfigOption<String> REDIS_USERNAME =
      key("redis.username")
          .stringType()
          .noDefaultValue()
          .withDescription("Redis user; the default user if not given.");

  public static final ConfigOption<String> REDIS_PASSWORD =
      key("redis.password")
          .stringType()
          .noDefaultValue()
          .withDescription(
              "Redis password; as a job argument it is visible in process lists and in Flink's"
                  + " history, so prefer `redis.password.file` or the environment variable `"
                  + REDIS_PASSWORD_VARIABLE
                  + "`.");

  public static final ConfigOption<String> REDIS_PASSWORD_FILE =
      key("redis.password.file")
          .stringType()
          .noDefaultValue()
          .withDescription(
              "File whose first line is the Redis password; read where the job is submitted.");

  public static final ConfigOption<String> REDIS_CA_FILE =
      key("redis.ca-file")
          .stringType()
          .noDefaultValue()
          .withDescription(
              "PEM file with the authorities that certificates of `rediss://` nodes are verified"
                  + " against; read where the job is submitted; Java's trust store if not given.");

  public static final ConfigOption<Duration> REDIS_TTL =
      key("redis.ttl")
          .durationType()
          .defaultValue(Duration.ofHours(24))
          .withDescription(
              "How long a key lives in Redis if nothing deletes it; must exceed every deadline"
                  + " and every outage planned for.");

  public static final ConfigOption<Double> REDIS_MAX_MEMORY_FRACTION =
      key("redis.max-memory-fraction")
          .doubleType()
          .defaultValue(0.8)
          .withDescription("Share of a Redis node's `maxmemory` above which the source pauses.");

  public static final ConfigOption<String> REDIS_BUFFER =
      key("redis.buffer")
          .stringType()
          .defaultValue("spanfold")
          .withDescription(
              "Name of the buffer, shown to a second job that is refused; each job needs a Redis"
                  + " of its own.");

  public static final ConfigOption<Integer> REDIS_BUCKETS =
      key("redis.buckets")
          .intType()
          .defaultValue(Buckets.DEFAULT_COUNT)
          .withDescription(
              "Number of buckets that traces are divided into, at most the job's maximum"
                  + " parallelism; can be changed only while nothing is buffered.");

  public static final ConfigOption<Integer> INGEST_BATCH_MAX_SPANS =
      key("ingest.batch.max-spans")
          .intType()
          .defaultValue(20_000)
          .withDescription("Number of spans at which a batch is written.");

  public static final ConfigOption<MemorySize> INGEST_BATCH_MAX_BYTES =
      key("ingest.batch.max-bytes")
          .memoryType()
          .defaultValue(MemorySize.ofMebiBytes(16))
          .withDescription("Record bytes at which a batch is written.");

  public static final ConfigOption<Duration> INGEST_BATCH_MAX_DELAY =
      key("ingest.batch.max-delay")
          .durationType()
          .defaultValue(Duration.ofMillis(500))
          .withDescription("Longest time that a batch collects spans.");

  public static final ConfigOption<List<String>> INGEST_DROP =
      key("ingest.drop")
          .stringType()
          .asList()
          .defaultValues()
          .withDescription(
              "Spans to drop when they are read, and to report as outcomes: `project`,"
                  + " `project:trace` or `organization:id`, separated by semicolons.");

  public static final ConfigOption<Boolean> INGEST_ADOPT =
      key("ingest.adopt")
          .booleanType()
          .defaultValue(false)
          .withDescription(
              "Whether a job without state first emits what a lost job left in Redis; also"
                  + " written as `--adopt`; no effect on a restored job.");

  public static final ConfigOption<Duration> SEGMENT_TIMEOUT =
      key("segment.timeout")
          .durationType()
          .defaultValue(Duration.ofSeconds(60))
          .withDescription("How long after its last span a part is due while its root is unknown.");

  public static final ConfigOption<Duration> SEGMENT_ROOT_TIMEOUT =
      key("segment.root-timeout")
          .durationType()
          .defaultValue(Duration.ofSeconds(10))
          .withDescription("How long after its last span a part is due once its root is known.");

  public static final ConfigOption<MemorySize> SEGMENT_MAX_BYTES =
      key("segment.max-bytes")
          .memoryType()
          .defaultValue(MemorySize.ofMebiBytes(10))
          .withDescription(
              "Record bytes at which a part is closed: it is flushed at once if its root is"
                  + " known, else when the root arrives or at the deadline.");

  public static final ConfigOption<Integer> SEGMENT_MAX_SPANS =
      key("segment.max-spans")
          .intType()
          .defaultValue(2_000_000)
          .withDescription(
              "Number of spans above which a segment is flushed and forgotten, which bounds the"
                  + " state of one trace.");

  public static final ConfigOption<Duration> SEGMENT_MAX_AGE =
      key("segment.max-age")
          .durationType()
          .defaultValue(Duration.ofMinutes(15))
          .withDescription("How long after its first span a part is due at the latest.");

  public static final ConfigOption<Duration> SEGMENT_LATE_GRACE =
      key("segment.late-grace")
          .durationType()
          .defaultValue(Duration.ofSeconds(60))
          .withDescription(
              "How long a flushed segment is remembered, so that late spans join it as a further"
                  + " part.");

  public static final ConfigOption<Integer> FLUSH_PARALLELISM =
      key("flush.parallelism")
          .intType()
          .noDefaultValue()
          .withDescription(
              "Parallelism of the flush and of the segment sink; the job's parallelism if not"
                  + " given.");

  public static final ConfigOption<MemorySize> FLUSH_IN_FLIGHT_BYTES =
      key("flush.in-flight-bytes")
          .memoryType()
          .defaultValue(MemorySize.ofMebiBytes(64))
          .withDescription("Most record bytes that one flush task loads at the same time.");

  public static final ConfigOption<Duration> FLUSH_LOCK_TTL =
      key("flush.lock-ttl")
          .durationType()
          .defaultValue(Duration.ofMinutes(5))
          .withDescription(
              "How long the flush lock of a bucket lives after the last flush from it.");

  public static final ConfigOption<MemorySize> FLUSH_CHUNK_BYTES =
      key("flush.chunk-bytes")
          .memoryType()
          .noDefaultValue()
          .withDescription(
              "Largest value of a segment message, at most 10000000 bytes; the topic's"
                  + " `max.message.bytes` less 64 kb if not given.");

  public static final ConfigOption<RolloutPhase> ROLLOUT_PHASE =
      key("rollout.phase")
          .enumType(RolloutPhase.class)
          .defaultValue(RolloutPhase.DISTRIBUTED)
          .withDescription(
              "Which payload layouts are written and read: `merged`, `dual-write`, `dual-read` or"
                  + " `distributed`.");

  public static final ConfigOption<Integer> COMPRESSION_LEVEL =
      key("compression.level")
          .intType()
          .defaultValue(0)
          .withDescription(
              "Zstandard level of payloads in Redis, up to 22; 0 is Zstandard's default, -1 is"
                  + " off.");

  public static final ConfigOption<Boolean> COMPRESSION_DICTIONARY =
      key("compression.dictionary")
          .booleanType()
          .defaultValue(true)
          .withDescription(
              "Whether payloads are compressed with a dictionary that is trained on the traffic"
                  + " and stored in Redis.");

  public static final ConfigOption<Boolean> START_CHECKS =
      key("start.checks")
          .booleanType()
          .defaultValue(true)
          .withDescription(
              "Whether Kafka and Redis are checked before the job is submitted; set `false` if"
                  + " they cannot be reached from there.");

  public static final ConfigOption<List<String>> DEBUG_TRACES =
      key("debug.traces")
          .stringType()
          .asList()
          .defaultValues()
          .withDescription("Ids of traces to log in full, separated by semicolons.");

  /** All options, in the order of the documentation. */
  static final List<ConfigOption<?>> ALL =
      List.of(
          KAFKA_BOOTSTRAP_SERVERS,
          SOURCE_TOPIC,
          SOURCE_GROUP_ID,
          SOURCE_STARTING_OFFSETS,
          SOURCE_BOUNDED,
          SOURCE_MAX_LAG,
          SOURCE_MAX_SILENCE,
          SINK_TOPIC,
          SINK_DELIVERY_GUARANTEE,
          SINK_TRANSACTIONAL_ID_PREFIX,
          DEAD_LETTER_TOPIC,
          OUTCOMES_TOPIC,
          REDIS_URI,
          REDIS_USERNAME,
          REDIS_PASSWORD,
          REDIS_PASSWORD_FILE,
          REDIS_CA_FILE,
          REDIS_TTL,
          REDIS_MAX_MEMORY_FRACTION,
          REDIS_BUFFER,
          REDIS_BUCKETS,
          INGEST_BATCH_MAX_SPANS,
          INGEST_BATCH_MAX_BYTES,
          INGEST_BATCH_MAX_DELAY,
          INGEST_DROP,
          INGEST_ADOPT,
          SEGMENT_TIMEOUT,
          SEGMENT_ROOT_TIMEOUT,
          SEGMENT_MAX_BYTES,
          SEGMENT_MAX_SPANS,
          SEGMENT_MAX_AGE,
          SEGMENT_LATE_GRACE,
          FLUSH_PARALLELISM,
          FLUSH_IN_FLIGHT_BYTES,
          FLUSH_LOCK_TTL,
          FLUSH_CHUNK_BYTES,
          ROLLOUT_PHASE,
          COMPRESSION_LEVEL,
          COMPRESSION_DICTIONARY,
          START_CHECKS,
          DEBUG_TRACES);

  private SpanfoldOptions() {}

  /** Returns the value of an option or Kafka property as it may be shown. */
  static String maskedIfSecret(String name, String value) {
    boolean secret = SECRET.matcher(name).find() && !name.equals(REDIS_PASSWORD_FILE.key());
    return secret ? "******" : value;
  }
}

package io.spanfold.job.config;

import static org.apache.flink.configuration.ConfigOptions.key;

import io.spanfold.buffer.layout.RolloutPhase;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.connector.base.DeliveryGuarantee;

/** All options, each with its key, type, default and a sentence on what it does. */
public final class SpanfoldOptions {

  /** What precedes the name of a property that is handed to every Kafka client. */
  public static final String KAFKA_PROPERTIES_PREFIX = "kafka.properties.";

  /** The environment variable that is asked for the password where no option gives it. */
  public static final String REDIS_PASSWORD_VARIABLE = "SPANFOLD_REDIS_PASSWORD";

  private static final String MASK = "******";

  /** Brokers to start from. */
  public static final ConfigOption<String> KAFKA_BOOTSTRAP_SERVERS =
      key("kafka.bootstrap.servers")
          .stringType()
          .noDefaultValue()
          .withDescription("Kafka brokers to start from, as `host:port,host:port`.");

  /** Topic that spans are read from. */
  public static final ConfigOption<String> SOURCE_TOPIC =
      key("source.topic")
          .stringType()
          .defaultValue("ingest-spans")
          .withDescription("Topic that spans are read from.");

  /** Consumer group of the source. */
  public static final ConfigOption<String> SOURCE_GROUP_ID =
      key("source.group.id")
          .stringType()
          .defaultValue("spanfold")
          .withDescription(
              "Consumer group that offsets are committed to, for lag monitoring and for a start"
                  + " without state.");

  /** Where a job without state starts. */
  public static final ConfigOption<String> SOURCE_STARTING_OFFSETS =
      key("source.starting-offsets")
          .stringType()
          .defaultValue("committed")
          .withDescription(
              "Where a job without state starts: `earliest`, `latest`, `committed` (of the group;"
                  + " the earliest where there are none) or a record time in milliseconds.");

  /** Whether the job ends at the offsets found at its start. */
  public static final ConfigOption<Boolean> SOURCE_BOUNDED =
      key("source.bounded")
          .booleanType()
          .defaultValue(false)
          .withDescription(
              "Whether to read up to the end offsets found at the start, flush everything and"
                  + " end.");

  /** Topic that segments are written to. */
  public static final ConfigOption<String> SINK_TOPIC =
      key("sink.topic")
          .stringType()
          .defaultValue("buffered-segments")
          .withDescription("Topic that segments are written to.");

  /** Delivery guarantee of all sinks. */
  public static final ConfigOption<DeliveryGuarantee> SINK_DELIVERY_GUARANTEE =
      key("sink.delivery-guarantee")
          .enumType(DeliveryGuarantee.class)
          .defaultValue(DeliveryGuarantee.EXACTLY_ONCE)
          .withDescription(
              "Guarantee for segments, outcomes and dead letters: `exactly-once`,"
                  + " `at-least-once` or `none`.");

  /** Prefix of the sinks' transactional ids. */
  public static final ConfigOption<String> SINK_TRANSACTIONAL_ID_PREFIX =
      key("sink.transactional-id-prefix")
          .stringType()
          .defaultValue("spanfold")
          .withDescription(
              "Prefix of the sinks' transactional ids; must differ between jobs that write to the"
                  + " same Kafka cluster.");

  /** Topic for records that cannot be processed. */
  public static final ConfigOption<String> DEAD_LETTER_TOPIC =
      key("dead-letter.topic")
          .stringType()
          .defaultValue("ingest-spans-dlq")
          .withDescription("Topic for source records that cannot be processed.");

  /** Topic for outcomes. */
  public static final ConfigOption<String> OUTCOMES_TOPIC =
      key("outcomes.topic")
          .stringType()
          .defaultValue("outcomes")
          .withDescription("Topic that is told of spans that will never be emitted.");

  /** Redis nodes. */
  public static final ConfigOption<String> REDIS_URI =
      key("redis.uri")
          .stringType()
          .noDefaultValue()
          .withDescription(
              "One or more Redis nodes, as `redis://host:port` or `rediss://host:port` (TLS),"
                  + " separated by commas; a cluster is recognised.");

  /** Redis user. */
  public static final ConfigOption<String> REDIS_USERNAME =
      key("redis.username")
          .stringType()
          .noDefaultValue()
          .withDescription("Redis user; without one the password is that of the default user.");

  /** Redis password. */
  public static final ConfigOption<String> REDIS_PASSWORD =
      key("redis.password")
          .stringType()
          .noDefaultValue()
          .withDescription(
              "Redis password; visible in process lists and Flink's history as a job argument, so"
                  + " prefer `redis.password.file` or the variable `"
                  + REDIS_PASSWORD_VARIABLE
                  + "`.");

  /** File with the Redis password. */
  public static final ConfigOption<String> REDIS_PASSWORD_FILE =
      key("redis.password.file")
          .stringType()
          .noDefaultValue()
          .withDescription(
              "File whose first line is the Redis password; read where the job is submitted.");

  /** Whose certificates Redis may have. */
  public static final ConfigOption<String> REDIS_CA_FILE =
      key("redis.ca-file")
          .stringType()
          .noDefaultValue()
          .withDescription(
              "PEM file with the authorities that certificates of `rediss://` are checked against;"
                  + " read where the job is submitted. Java's trust store where it is not given.");

  /** How long keys live in Redis. */
  public static final ConfigOption<Duration> REDIS_TTL =
      key("redis.ttl")
          .durationType()
          .defaultValue(Duration.ofHours(24))
          .withDescription(
              "How long a key stays in Redis if nothing deletes it; bounds garbage, and must"
                  + " outlast every deadline and outage planned for.");

  /** How full Redis may get. */
  public static final ConfigOption<Double> REDIS_MAX_MEMORY_FRACTION =
      key("redis.max-memory-fraction")
          .doubleType()
          .defaultValue(0.8)
          .withDescription("Share of a node's `maxmemory` above which the source pauses.");

  /** Name of the buffer. */
  public static final ConfigOption<String> REDIS_BUFFER =
      key("redis.buffer")
          .stringType()
          .defaultValue("spanfold")
          .withDescription(
              "Name of the buffer, for whoever is refused: one Redis is one buffer, and has one job.");

  /** Spans a batch. */
  public static final ConfigOption<Integer> INGEST_BATCH_MAX_SPANS =
      key("ingest.batch.max-spans")
          .intType()
          .defaultValue(10_000)
          .withDescription("Spans at which a batch is written.");

  /** Bytes a batch. */
  public static final ConfigOption<MemorySize> INGEST_BATCH_MAX_BYTES =
      key("ingest.batch.max-bytes")
          .memoryType()
          .defaultValue(MemorySize.ofMebiBytes(16))
          .withDescription("Record bytes at which a batch is written.");

  /** Age of a batch. */
  public static final ConfigOption<Duration> INGEST_BATCH_MAX_DELAY =
      key("ingest.batch.max-delay")
          .durationType()
          .defaultValue(Duration.ofMillis(500))
          .withDescription("How long a batch gathers spans at most.");

  /** Whose spans are dropped at the door. */
  public static final ConfigOption<List<String>> INGEST_DROP =
      key("ingest.drop")
          .stringType()
          .asList()
          .defaultValues()
          .withDescription(
              "Whose spans are dropped when they are read, and told of in outcomes: `project`,"
                  + " `project:trace` or `organization:id`, separated by semicolons.");

  /** Whether a start without state begins with what Redis holds. */
  public static final ConfigOption<Boolean> INGEST_ADOPT =
      key("ingest.adopt")
          .booleanType()
          .defaultValue(false)
          .withDescription(
              "Whether a job without state first emits what a lost one has left in Redis; also"
                  + " written as `--adopt`. Of no effect on a job that is restored.");

  /** Quiet time without a root. */
  public static final ConfigOption<Duration> SEGMENT_TIMEOUT =
      key("segment.timeout")
          .durationType()
          .defaultValue(Duration.ofSeconds(60))
          .withDescription("How long after its last span a part without a known root is due.");

  /** Quiet time with a root. */
  public static final ConfigOption<Duration> SEGMENT_ROOT_TIMEOUT =
      key("segment.root-timeout")
          .durationType()
          .defaultValue(Duration.ofSeconds(10))
          .withDescription("How long after its last span a part with a known root is due.");

  /** Size at which a part is closed. */
  public static final ConfigOption<MemorySize> SEGMENT_MAX_BYTES =
      key("segment.max-bytes")
          .memoryType()
          .defaultValue(MemorySize.ofMebiBytes(10))
          .withDescription(
              "Record bytes at which a part is closed: flushed at once if its root is known, else"
                  + " when it is or at the deadline.");

  /** Size at which a segment is no longer remembered. */
  public static final ConfigOption<Integer> SEGMENT_MAX_SPANS =
      key("segment.max-spans")
          .intType()
          .defaultValue(2_000_000)
          .withDescription(
              "Spans of a segment above which it is flushed and forgotten, which bounds what one"
                  + " trace takes of state.");

  /** Age at which a part is due. */
  public static final ConfigOption<Duration> SEGMENT_MAX_AGE =
      key("segment.max-age")
          .durationType()
          .defaultValue(Duration.ofMinutes(15))
          .withDescription("How long after its first span a part is due at the latest.");

  /** How long a flushed segment is remembered. */
  public static final ConfigOption<Duration> SEGMENT_LATE_GRACE =
      key("segment.late-grace")
          .durationType()
          .defaultValue(Duration.ofSeconds(60))
          .withDescription(
              "How long a flushed segment is remembered, so that late spans join it as a further"
                  + " part.");

  /** Parallelism of the flush. */
  public static final ConfigOption<Integer> FLUSH_PARALLELISM =
      key("flush.parallelism")
          .intType()
          .noDefaultValue()
          .withDescription("Parallelism of flush and sink; the job's where it is not given.");

  /** Bytes being flushed. */
  public static final ConfigOption<MemorySize> FLUSH_IN_FLIGHT_BYTES =
      key("flush.in-flight-bytes")
          .memoryType()
          .defaultValue(MemorySize.ofMebiBytes(64))
          .withDescription("Record bytes that a flush task loads at the same time at most.");

  /** Life of a flush lock. */
  public static final ConfigOption<Duration> FLUSH_LOCK_TTL =
      key("flush.lock-ttl")
          .durationType()
          .defaultValue(Duration.ofMinutes(5))
          .withDescription("How long a segment's flush lock lives if nothing releases it.");

  /** Size of a sink record. */
  public static final ConfigOption<MemorySize> FLUSH_CHUNK_BYTES =
      key("flush.chunk-bytes")
          .memoryType()
          .noDefaultValue()
          .withDescription(
              "Largest value of a sink record, at most 10000000 bytes; by default what the topic"
                  + " accepts less 64 kb.");

  /** Rollout phase. */
  public static final ConfigOption<RolloutPhase> ROLLOUT_PHASE =
      key("rollout.phase")
          .enumType(RolloutPhase.class)
          .defaultValue(RolloutPhase.DISTRIBUTED)
          .withDescription(
              "Which payload layouts are written and read: `merged`, `dual-write`, `dual-read` or"
                  + " `distributed`.");

  /** Zstandard level. */
  public static final ConfigOption<Integer> COMPRESSION_LEVEL =
      key("compression.level")
          .intType()
          .defaultValue(0)
          .withDescription(
              "Zstandard level of payloads in Redis, up to 22; 0 is Zstandard's own default, -1"
                  + " is off.");

  /** Whether payloads are compressed with a dictionary. */
  public static final ConfigOption<Boolean> COMPRESSION_DICTIONARY =
      key("compression.dictionary")
          .booleanType()
          .defaultValue(true)
          .withDescription(
              "Whether payloads are compressed with a dictionary that is trained from the traffic"
                  + " and kept in Redis.");

  /** Whether servers are asked before the start. */
  public static final ConfigOption<Boolean> START_CHECKS =
      key("start.checks")
          .booleanType()
          .defaultValue(true)
          .withDescription(
              "Whether Kafka and Redis are checked before the job is submitted; `false` where they"
                  + " cannot be reached from there.");

  /** Traces to log. */
  public static final ConfigOption<List<String>> DEBUG_TRACES =
      key("debug.traces")
          .stringType()
          .asList()
          .defaultValues()
          .withDescription("Trace ids whose way is logged in full, separated by semicolons.");

  /** All options, in the order in which they are listed to users. */
  static final List<ConfigOption<?>> ALL =
      List.of(
          KAFKA_BOOTSTRAP_SERVERS,
          SOURCE_TOPIC,
          SOURCE_GROUP_ID,
          SOURCE_STARTING_OFFSETS,
          SOURCE_BOUNDED,
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

  /** Returns the value of an option or Kafka property of this name as it may be shown. */
  static String maskedIfSecret(String name, String value) {
    return isSecret(name) ? MASK : value;
  }

  /** Returns whether the value of an option or Kafka property of this name must not be shown. */
  static boolean isSecret(String name) {
    if (name.equals(REDIS_PASSWORD_FILE.key())) {
      return false;
    }
    String lower = name.toLowerCase(Locale.ROOT);
    return lower.contains("password")
        || lower.contains("jaas")
        || lower.contains("secret")
        || lower.contains("token")
        || lower.contains("credential")
        || lower.endsWith("keystore.key");
  }
}

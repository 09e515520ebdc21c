package io.spanfold.job.config;

import static io.spanfold.job.config.SpanfoldOptions.FLUSH_CHUNK_BYTES;
import static io.spanfold.job.config.SpanfoldOptions.FLUSH_LOCK_TTL;
import static io.spanfold.job.config.SpanfoldOptions.REDIS_TTL;
import static io.spanfold.job.config.SpanfoldOptions.SEGMENT_LATE_GRACE;
import static io.spanfold.job.config.SpanfoldOptions.SEGMENT_MAX_AGE;

import io.spanfold.buffer.layout.RolloutPhase;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.util.TimeUtils;

/** What option values must be, each by itself and to one another, for the job to keep its word. */
final class ConfigRules {

  private static final int MIN_CHUNK_BYTES = 1024;
  private static final int MAX_COMPRESSION_LEVEL = 22;

  /** Half of what Redis takes in a call unless it is told otherwise (client-query-buffer-limit). */
  private static final MemorySize MAX_MERGED_BATCH = MemorySize.ofMebiBytes(512);

  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9._-]{1,200}");

  /** What the job sets itself, and the option to use instead. */
  private static final Map<String, String> OURS =
      Map.of(
          "bootstrap.servers", "set kafka.bootstrap.servers instead",
          "group.id", "set source.group.id instead",
          "transactional.id", "set sink.transactional-id-prefix instead",
          "isolation.level", "leave it out: the source reads committed records",
          "auto.offset.reset", "set source.starting-offsets instead",
          "key.serializer", "leave it out: keys are bytes",
          "value.serializer", "leave it out: values are bytes",
          "key.deserializer", "leave it out: keys are bytes",
          "value.deserializer", "leave it out: values are bytes");

  private final SpanfoldConfig config;
  private final OptionReader reader;

  private ConfigRules(SpanfoldConfig config, OptionReader reader) {
    this.config = config;
    this.reader = reader;
  }

  /** Adds whatever rule is broken to the reader's problems. */
  static void check(SpanfoldConfig config, OptionReader reader) {
    ConfigRules rules = new ConfigRules(config, reader);
    rules.checkNames();
    rules.checkAmounts();
    rules.checkOrderOfTimes();
    rules.checkKafka();
    rules.checkPhase();
  }

  /** A batch's share of a trace goes to Redis in one call where payloads are merged. */
  private void checkPhase() {
    if (config.phase().writesMerged()
        && config.ingest().batchMaxBytes() > MAX_MERGED_BATCH.getBytes()) {
      reader.problem(
          SpanfoldOptions.INGEST_BATCH_MAX_BYTES,
          "is more than Redis takes in one call, as "
              + SpanfoldOptions.ROLLOUT_PHASE.key()
              + " "
              + config.phase()
              + " writes merged payloads",
          "lower it to "
              + MAX_MERGED_BATCH
              + " or less, or set "
              + SpanfoldOptions.ROLLOUT_PHASE.key()
              + " to "
              + RolloutPhase.DISTRIBUTED);
    }
  }

  private void checkNames() {
    Map<ConfigOption<String>, String> topics = new LinkedHashMap<>();
    topics.put(SpanfoldOptions.SOURCE_TOPIC, config.source().topic());
    topics.put(SpanfoldOptions.SINK_TOPIC, config.sink().topic());
    topics.put(SpanfoldOptions.DEAD_LETTER_TOPIC, config.sink().deadLetterTopic());
    topics.put(SpanfoldOptions.OUTCOMES_TOPIC, config.sink().outcomesTopic());
    Map<String, String> optionOfTopic = new LinkedHashMap<>();
    topics.forEach(
        (option, topic) -> {
          checkName(option, topic);
          String other = optionOfTopic.putIfAbsent(topic, option.key());
          if (other != null) {
            reader.problem(
                option.key(), topic, "is the topic of " + other + " too", "name another topic");
          }
        });
    checkName(SpanfoldOptions.REDIS_BUFFER, config.redis().buffer());
    checkName(SpanfoldOptions.SINK_TRANSACTIONAL_ID_PREFIX, config.sink().transactionalIdPrefix());
    if (config.source().groupId().isBlank()) {
      reader.problem(SpanfoldOptions.SOURCE_GROUP_ID, "is empty", "name a consumer group");
    }
  }

  private void checkName(ConfigOption<String> option, String name) {
    if (!NAME.matcher(name).matches()) {
      reader.problem(
          option.key(),
          name,
          "is not a name that Kafka and Redis take",
          "use 1 to 200 letters, digits, dots, dashes and underscores");
    }
  }

  private void checkAmounts() {
    positive(SpanfoldOptions.REDIS_TTL, config.redis().ttl());
    positive(SpanfoldOptions.INGEST_BATCH_MAX_DELAY, config.ingest().batchMaxDelay());
    positive(SpanfoldOptions.SEGMENT_TIMEOUT, config.segment().timeout());
    positive(SpanfoldOptions.SEGMENT_ROOT_TIMEOUT, config.segment().rootTimeout());
    positive(SEGMENT_MAX_AGE, config.segment().maxAge());
    positive(SEGMENT_LATE_GRACE, config.segment().lateGrace());
    positive(FLUSH_LOCK_TTL, config.flush().lockTtl());
    positive(SpanfoldOptions.INGEST_BATCH_MAX_SPANS, config.ingest().batchMaxSpans());
    positive(SpanfoldOptions.INGEST_BATCH_MAX_BYTES, config.ingest().batchMaxBytes());
    positive(SpanfoldOptions.SEGMENT_MAX_BYTES, config.segment().maxBytes());
    positive(SpanfoldOptions.SEGMENT_MAX_SPANS, config.segment().maxSpans());
    positive(SpanfoldOptions.FLUSH_IN_FLIGHT_BYTES, config.flush().inFlightBytes());
    if (reader.shown().containsKey(SpanfoldOptions.FLUSH_PARALLELISM.key())) {
      positive(SpanfoldOptions.FLUSH_PARALLELISM, config.flush().parallelism());
    }
    double fraction = config.redis().maxMemoryFraction();
    if (!(fraction > 0 && fraction < 1)) {
      reader.problem(
          SpanfoldOptions.REDIS_MAX_MEMORY_FRACTION,
          "is not between 0 and 1",
          "write a share such as 0.8, which leaves Redis room to clean up in");
    }
    int level = config.compressionLevel();
    if (level < -1 || level > MAX_COMPRESSION_LEVEL) {
      reader.problem(
          SpanfoldOptions.COMPRESSION_LEVEL, "is no Zstandard level", "write one from -1 to 22");
    }
    int chunk = config.flush().chunkBytes();
    boolean chunkGiven = reader.shown().containsKey(FLUSH_CHUNK_BYTES.key());
    if (chunkGiven && (chunk < MIN_CHUNK_BYTES || chunk > SpanfoldConfig.MAX_CHUNK_BYTES)) {
      reader.problem(
          FLUSH_CHUNK_BYTES,
          "is out of bounds",
          "write a size from "
              + MIN_CHUNK_BYTES
              + " to "
              + SpanfoldConfig.MAX_CHUNK_BYTES
              + " bytes");
    }
  }

  private void positive(ConfigOption<?> option, Duration value) {
    // Timers count in milliseconds, so less than one is none.
    positive(option, value.toMillis());
  }

  private void positive(ConfigOption<?> option, long value) {
    if (value <= 0) {
      reader.problem(option, "is not positive", "write a value above zero");
    }
  }

  /**
   * The timeouts of a segment are deliberately not held against its maximum age: a replay may want
   * them far above everything else, and the lower of the two decides.
   */
  private void checkOrderOfTimes() {
    Duration grace = config.segment().lateGrace();
    Duration interval = config.checkpointInterval();
    Duration lock = config.flush().lockTtl();
    Duration age = config.segment().maxAge();
    Duration ttl = config.redis().ttl();
    Duration held = grace.plus(interval).plus(SpanfoldConfig.COMMIT_ALLOWANCE);
    if (held.compareTo(lock) >= 0) {
      tooShort(
          FLUSH_LOCK_TTL,
          lock,
          SEGMENT_LATE_GRACE.key()
              + " ("
              + text(grace)
              + ") + the checkpoint interval ("
              + text(interval)
              + ") + "
              + text(SpanfoldConfig.COMMIT_ALLOWANCE)
              + " for the commit, so that a lock outlives the flush it guards",
          "raise it above " + text(held) + ", or lower " + SEGMENT_LATE_GRACE.key());
    }
    if (lock.compareTo(age) >= 0) {
      tooShort(
          SEGMENT_MAX_AGE,
          age,
          FLUSH_LOCK_TTL.key()
              + " ("
              + text(lock)
              + "), so that a lock left behind is gone before the segment is due again",
          "raise it, or lower " + FLUSH_LOCK_TTL.key());
    }
    if (age.compareTo(ttl) >= 0) {
      tooShort(
          REDIS_TTL,
          ttl,
          SEGMENT_MAX_AGE.key()
              + " ("
              + text(age)
              + "), so that no payload is gone before its part is due",
          "raise it, or lower " + SEGMENT_MAX_AGE.key());
    }
  }

  private void tooShort(ConfigOption<Duration> option, Duration value, String than, String remedy) {
    reader.problem(option.key(), text(value), "must be longer than " + than, remedy);
  }

  private static String text(Duration duration) {
    return TimeUtils.formatWithHighestUnit(duration);
  }

  private void checkKafka() {
    Map<String, String> properties = config.kafka().properties();
    OURS.forEach(
        (name, remedy) -> {
          if (properties.containsKey(name)) {
            reader.problem(property(name), properties.get(name), "is set by the job", remedy);
          }
        });
    if (config.sink().guarantee() != DeliveryGuarantee.EXACTLY_ONCE) {
      return;
    }
    Duration timeout = Duration.ofMillis(config.kafka().transactionTimeoutMs());
    Duration needed = config.checkpointInterval().plus(SpanfoldConfig.COMMIT_ALLOWANCE);
    if (timeout.compareTo(needed) < 0) {
      reader.problem(
          property("transaction.timeout.ms"),
          String.valueOf(timeout.toMillis()),
          "is less than the checkpoint interval and "
              + text(SpanfoldConfig.COMMIT_ALLOWANCE)
              + " for the commit, so that the broker would abort what is still to be committed",
          "raise it to " + needed.toMillis() + " or more");
    }
    mustBe("enable.idempotence", "true", properties);
    if (properties.containsKey("acks") && !properties.get("acks").equals("-1")) {
      mustBe("acks", "all", properties);
    }
  }

  private void mustBe(String name, String needed, Map<String, String> properties) {
    String given = properties.get(name);
    if (given != null && !given.equals(needed)) {
      reader.problem(
          property(name),
          given,
          "cannot be with exactly-once delivery",
          "leave it out, or set sink.delivery-guarantee to at-least-once");
    }
  }

  private static String property(String name) {
    return SpanfoldOptions.KAFKA_PROPERTIES_PREFIX + name;
  }
}

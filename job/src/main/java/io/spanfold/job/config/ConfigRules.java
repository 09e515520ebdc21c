package io.spanfold.job.config;

import static io.spanfold.job.config.SpanfoldOptions.FLUSH_CHUNK_BYTES;
import static io.spanfold.job.config.SpanfoldOptions.FLUSH_LOCK_TTL;
import static io.spanfold.job.config.SpanfoldOptions.INGEST_BATCH_MAX_BYTES;
import static io.spanfold.job.config.SpanfoldOptions.REDIS_TTL;
import static io.spanfold.job.config.SpanfoldOptions.ROLLOUT_PHASE;
import static io.spanfold.job.config.SpanfoldOptions.SEGMENT_LATE_GRACE;
import static io.spanfold.job.config.SpanfoldOptions.SEGMENT_MAX_AGE;

import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.core.fold.FoldSettings;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.util.TimeUtils;

/** The rules that option values must keep, alone and together. */
final class ConfigRules {

  private static final int MIN_CHUNK_BYTES = 1024;
  private static final int MAX_COMPRESSION_LEVEL = 22;

  /** Half of what Redis accepts in one call by default (client-query-buffer-limit). */
  private static final MemorySize MAX_MERGED_BATCH = MemorySize.ofMebiBytes(512);

  /** So that the spans of one trace, with what is noted of each, fit into an array. */
  private static final MemorySize MAX_BATCH = MemorySize.ofMebiBytes(1024);

  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9._-]{1,200}");

  /** Kafka properties that the job sets, and the remedy. */
  private static final Map<String, String> RESERVED =
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

  /** Adds every broken rule to the reader's problems. */
  static void check(SpanfoldConfig config, OptionReader reader) {
    ConfigRules rules = new ConfigRules(config, reader);
    rules.checkNames();
    rules.checkAmounts();
    rules.checkOrderOfTimes();
    rules.checkKafka();
    rules.checkPhase();
  }

  /** A merged layout writes a batch's share of a trace in one call to Redis. */
  private void checkPhase() {
    if (config.phase().writesMerged()
        && config.ingest().batch().maxBytes() > MAX_MERGED_BATCH.getBytes()) {
      reader.problem(
          INGEST_BATCH_MAX_BYTES,
          "is more than Redis accepts in one call, as %s %s writes merged payloads"
              .formatted(ROLLOUT_PHASE.key(), config.phase()),
          "lower it to %s or less, or set %s to %s"
              .formatted(MAX_MERGED_BATCH, ROLLOUT_PHASE.key(), RolloutPhase.DISTRIBUTED));
    }
  }

  private void checkNames() {
    Map<ConfigOption<String>, String> topics = new LinkedHashMap<>();
    topics.put(SpanfoldOptions.SOURCE_TOPIC, config.source().topic());
    topics.put(SpanfoldOptions.SINK_TOPIC, config.sink().topic());
    topics.put(SpanfoldOptions.DEAD_LETTER_TOPIC, config.sink().deadLetterTopic());
    topics.put(SpanfoldOptions.OUTCOMES_TOPIC, config.sink().outcomesTopic());
    Map<String, String> optionOfTopic = new HashMap<>();
    topics.forEach(
        (option, topic) -> {
          checkName(option, topic);
          String other = optionOfTopic.putIfAbsent(topic, option.key());
          if (other != null) {
            reader.problem(
                option.key(), topic, "is also the topic of " + other, "name another topic");
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
          "is not a valid name",
          "use 1 to 200 letters, digits, dots, dashes and underscores");
    }
  }

  private void checkAmounts() {
    FoldSettings segment = config.segment();
    positive(REDIS_TTL, config.redis().ttl().toMillis());
    positive(SpanfoldOptions.INGEST_BATCH_MAX_DELAY, config.ingest().batch().maxDelayMillis());
    positive(SpanfoldOptions.SEGMENT_TIMEOUT, segment.timeout());
    positive(SpanfoldOptions.SEGMENT_ROOT_TIMEOUT, segment.rootTimeout());
    positive(SEGMENT_MAX_AGE, segment.maxAge());
    positive(SEGMENT_LATE_GRACE, segment.lateGrace());
    positive(FLUSH_LOCK_TTL, config.flush().lockTtl().toMillis());
    positive(SpanfoldOptions.INGEST_BATCH_MAX_SPANS, config.ingest().batch().maxSpans());
    positive(INGEST_BATCH_MAX_BYTES, config.ingest().batch().maxBytes());
    if (config.ingest().batch().maxBytes() > MAX_BATCH.getBytes()) {
      reader.problem(
          INGEST_BATCH_MAX_BYTES,
          "is more than a batch can hold, as a trace's share of it is one payload",
          "set at most " + MAX_BATCH);
    }
    positive(SpanfoldOptions.SEGMENT_MAX_BYTES, segment.maxBytes());
    positive(SpanfoldOptions.SEGMENT_MAX_SPANS, segment.maxIds());
    positive(SpanfoldOptions.FLUSH_IN_FLIGHT_BYTES, config.flush().inFlightBytes());
    if (config.flush().inFlightBytes() > Integer.MAX_VALUE) {
      reader.problem(
          SpanfoldOptions.FLUSH_IN_FLIGHT_BYTES,
          "is more than a flush task can use",
          "set at most 2147483647 bytes");
    }
    if (isGiven(SpanfoldOptions.FLUSH_PARALLELISM)) {
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
          SpanfoldOptions.COMPRESSION_LEVEL,
          "is not a Zstandard level",
          "write one from -1 to " + MAX_COMPRESSION_LEVEL);
    }
    int chunk = config.flush().chunkBytes();
    if (isGiven(FLUSH_CHUNK_BYTES)
        && (chunk < MIN_CHUNK_BYTES || chunk > SpanfoldConfig.MAX_CHUNK_BYTES)) {
      reader.problem(
          FLUSH_CHUNK_BYTES,
          "is out of bounds",
          "write a size from %d to %d bytes"
              .formatted(MIN_CHUNK_BYTES, SpanfoldConfig.MAX_CHUNK_BYTES));
    }
  }

  private boolean isGiven(ConfigOption<?> option) {
    return reader.shown().containsKey(option.key());
  }

  /** Timers count in milliseconds: a shorter duration is zero. */
  private void positive(ConfigOption<?> option, long value) {
    if (value <= 0) {
      reader.problem(option, "is not positive", "write a value above zero");
    }
  }

  /**
   * Does not compare the timeouts of a segment with its maximum age: a replay may want them far
   * above all other times, and the lower one decides.
   */
  private void checkOrderOfTimes() {
    Duration grace = Duration.ofMillis(config.segment().lateGrace());
    Duration interval = config.checkpointInterval();
    Duration lock = config.flush().lockTtl();
    Duration age = Duration.ofMillis(config.segment().maxAge());
    Duration ttl = config.redis().ttl();
    Duration commit = SpanfoldConfig.COMMIT_ALLOWANCE;
    Duration held = grace.plus(interval).plus(commit);
    if (held.compareTo(lock) >= 0) {
      tooShort(
          FLUSH_LOCK_TTL,
          lock,
          "%s (%s) + the checkpoint interval (%s) + %s for the commit, so that a lock outlives the flush it guards"
              .formatted(SEGMENT_LATE_GRACE.key(), text(grace), text(interval), text(commit)),
          "raise it above %s, or lower %s".formatted(text(held), SEGMENT_LATE_GRACE.key()));
    }
    if (lock.compareTo(age) >= 0) {
      tooShort(
          SEGMENT_MAX_AGE,
          age,
          "%s (%s), so that a lock left behind has expired before the segment is due again"
              .formatted(FLUSH_LOCK_TTL.key(), text(lock)),
          "raise it, or lower " + FLUSH_LOCK_TTL.key());
    }
    if (age.compareTo(ttl) >= 0) {
      tooShort(
          REDIS_TTL,
          ttl,
          "%s (%s), so that no payload expires before its part is due"
              .formatted(SEGMENT_MAX_AGE.key(), text(age)),
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
    RESERVED.forEach(
        (name, remedy) -> {
          if (properties.containsKey(name)) {
            wrongProperty(name, "is set by the job", remedy);
          }
        });
    if (config.sink().guarantee() != DeliveryGuarantee.EXACTLY_ONCE) {
      return;
    }
    Duration needed = config.checkpointInterval().plus(SpanfoldConfig.COMMIT_ALLOWANCE);
    if (config.kafka().transactionTimeoutMs() < needed.toMillis()) {
      wrongProperty(
          "transaction.timeout.ms",
          "is less than the checkpoint interval and %s for the commit, so that the broker would abort what is still to be committed"
              .formatted(text(SpanfoldConfig.COMMIT_ALLOWANCE)),
          "raise it to %d or more".formatted(needed.toMillis()));
    }
    checkExactlyOnce("enable.idempotence", "true");
    checkExactlyOnce("acks", "all|-1");
  }

  private void checkExactlyOnce(String name, String allowed) {
    String given = config.kafka().properties().get(name);
    if (given != null && !given.matches(allowed)) {
      wrongProperty(
          name,
          "cannot be combined with exactly-once delivery",
          "leave it out, or set sink.delivery-guarantee to at-least-once");
    }
  }

  private void wrongProperty(String name, String wrong, String remedy) {
    reader.problem(
        SpanfoldOptions.KAFKA_PROPERTIES_PREFIX + name,
        config.kafka().properties().get(name),
        wrong,
        remedy);
  }
}

package io.spanfold.job;

import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Login;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.core.batch.SubsegmentGrouping;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.SourceRecord;
import io.spanfold.job.adopt.AdoptOperator;
import io.spanfold.job.async.AsyncStageSettings;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.config.SpanfoldConfig.SourceSettings;
import io.spanfold.job.flush.FlushSettings;
import io.spanfold.job.flush.StoreCleanUp;
import io.spanfold.job.flush.StoreRebuild;
import io.spanfold.job.gate.RedisGateSettings;
import io.spanfold.job.kafka.KafkaClientProperties;
import io.spanfold.job.kafka.RootLocale;
import io.spanfold.job.recovery.PayloadRecoverySettings;
import io.spanfold.job.sink.SegmentStrategy.CleanUp;
import io.spanfold.job.sink.SegmentStrategy.Opener;
import io.spanfold.job.sink.SegmentStrategy.Rebuild;
import io.spanfold.job.source.GatedSource;
import io.spanfold.job.source.SourceRecordSchema;
import io.spanfold.job.source.StartOffsets;
import io.spanfold.job.time.ClockSettings;
import io.spanfold.job.time.RecordTime;
import io.spanfold.job.time.SourceClock;
import io.spanfold.job.time.SourceWatermarks;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceBuilder;
import org.apache.flink.connector.kafka.source.KafkaSourceOptions;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.kafka.clients.consumer.ConsumerConfig;

/** Makes the parts of the pipeline from the job's settings. */
public final class PipelineFactory {

  /** A subsegment is a fraction of a part, so that a part is closed close to its maximum size. */
  private static final int SUBSEGMENTS_PER_PART = 10;

  /**
   * How many batches of the maximum size may be in the write stage of a subtask before its input is
   * slowed down. One is enough to keep the worker busy. More are not faster, and all of them go
   * into a checkpoint that does not wait for them.
   */
  private static final int BATCHES_WAITING = 1;

  /** How many slices of parts may wait in the flush stage of a subtask: some hundred bytes each. */
  private static final int SLICES_WAITING = 50_000;

  private static final int FLUSH_WORKERS = 2;

  /**
   * How often the source looks for new partitions. Until it finds one, the spans there are late for
   * their segments: the time is as long as the shortest deadline by default, and a look is one
   * request to one broker.
   */
  private static final Duration PARTITION_DISCOVERY = Duration.ofSeconds(10);

  /**
   * How much a fetch waits for, and how long: a live topic would otherwise be fetched hundreds of
   * times a second, some records at a time. The delay is short compared with that of a batch.
   */
  private static final Map<String, String> FETCH =
      Map.of(
          ConsumerConfig.FETCH_MIN_BYTES_CONFIG,
          Integer.toString(64 << 10),
          ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG,
          "100");

  /**
   * How many parts are loaded together. Lost payloads of them are read from Kafka in one pass over
   * the topic, which costs about the same for few parts as for many.
   */
  private static final int PARTS_PER_LOAD = 1_000;

  /** Longer than the timeouts and retries of Redis and Kafka: a safety net for unknown causes. */
  private static final Duration FLUSH_STALL = Duration.ofMinutes(10);

  /** Most batches are written in milliseconds: waiting is cheaper than checkpointing them. */
  private static final Duration BARRIER_WAIT = Duration.ofMillis(500);

  /** The clean-up pauses after it, and tries again. */
  private static final Duration CLEAN_UP_RETRIES = Duration.ofSeconds(5);

  private final SpanfoldConfig config;

  public PipelineFactory(SpanfoldConfig config) {
    this.config = config;
  }

  public GatedSource<SourceRecord> source() {
    SourceSettings source = config.source();
    return new GatedSource<>(
        properties -> kafka(source, properties),
        source.topic(),
        sourceProperties(),
        redisGate(),
        lease(),
        clockSettings(),
        config.ingest().adopt());
  }

  private static KafkaSource<SourceRecord> kafka(SourceSettings settings, Properties properties) {
    KafkaSourceBuilder<SourceRecord> source =
        KafkaSource.<SourceRecord>builder()
            .setTopics(settings.topic())
            .setGroupId(settings.groupId())
            .setProperties(properties)
            .setDeserializer(new SourceRecordSchema())
            .setStartingOffsets(new StartOffsets(settings.startingOffsets()));
    if (settings.bounded()) {
      source.setBounded(OffsetsInitializer.latest());
    }
    // Connector 5.0.0-2.2 writes auto.offset.reset in the lower case of the machine's locale.
    return RootLocale.within(source::build);
  }

  /** Returns the properties of the source's clients. */
  Properties sourceProperties() {
    Properties properties = new Properties();
    if (!config.source().bounded()) { // A bounded source looks only once, and warns of this.
      properties.setProperty(
          KafkaSourceOptions.PARTITION_DISCOVERY_INTERVAL_MS.key(),
          Long.toString(PARTITION_DISCOVERY.toMillis()));
    }
    Properties given = KafkaClientProperties.common(config.kafka());
    // They depend on each other: a fetch of less than its minimum takes the whole wait.
    if (!given.containsKey(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG)
        && FETCH.keySet().stream().noneMatch(given::containsKey)) {
      properties.putAll(FETCH);
    }
    properties.putAll(given);
    // Records of an upstream transaction count only once it is committed.
    properties.setProperty(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    return properties;
  }

  private ClockSettings clockSettings() {
    SourceSettings source = config.source();
    return new ClockSettings(source.maxLag(), source.maxSilence(), source.bounded());
  }

  /** Returns the clock of the source, as docs/time.md has it. */
  public WatermarkStrategy<SourceRecord> clock() {
    return WatermarkStrategy.<SourceRecord>forGenerator(
            task ->
                new SourceWatermarks(
                    SourceClock.of(task.getMetricGroup()), task.getInputActivityClock()))
        .withTimestampAssigner(task -> new RecordTime(SourceClock.of(task.getMetricGroup())));
  }

  public AdoptOperator adopt() {
    return new AdoptOperator(store(), lease());
  }

  public SubsegmentGrouping grouping() {
    FoldSettings segment = config.segment();
    return new SubsegmentGrouping(
        Math.min(segment.timeout(), segment.rootTimeout()),
        Math.max(1, segment.maxBytes() / SUBSEGMENTS_PER_PART),
        config.phase().layouts());
  }

  /**
   * Ordered, so that the fold gets a trace's spans in the order of the source, on which its rule on
   * record time depends. Without a stall timeout, because writes wait while Redis is full.
   */
  public AsyncStageSettings writeStage() {
    return AsyncStageSettings.ordered(1)
        .maxWaiting(BATCHES_WAITING * config.ingest().batch().maxBytes())
        .barrierWait(BARRIER_WAIT);
  }

  public AsyncStageSettings flushStage() {
    return AsyncStageSettings.unordered(FLUSH_WORKERS)
        .maxWaiting(SLICES_WAITING)
        .maxActive(config.flush().inFlightBytes())
        .maxBatch(PARTS_PER_LOAD)
        .stallTimeout(FLUSH_STALL);
  }

  public RedisGateSettings redisGate() {
    return RedisGateSettings.of(redis(Timeouts.DEFAULT), config.redis().maxMemoryFraction());
  }

  public StoreSettings store() {
    return store(Timeouts.DEFAULT);
  }

  private StoreSettings store(Timeouts timeouts) {
    return new StoreSettings(
        redis(timeouts),
        config.redis().ttl(),
        config.compressionLevel(),
        config.compressionDictionary(),
        config.phase(),
        config.redis().buckets());
  }

  private ConnectionSettings redis(Timeouts timeouts) {
    return new ConnectionSettings(
        config.redis().nodes(),
        new Login(config.redis().username(), config.redis().password()),
        config.redis().authorities(),
        timeouts);
  }

  public LeaseSettings lease() {
    return LeaseSettings.of(redis(Timeouts.DEFAULT), config.redis().buffer());
  }

  public PayloadRecoverySettings recovery() {
    return new PayloadRecoverySettings(
        config.kafka(), config.source().topic(), Timeouts.DEFAULT.retries());
  }

  public Opener<CleanUp> cleanUp() {
    StoreSettings settings =
        store(new Timeouts(Timeouts.DEFAULT.connect(), CLEAN_UP_RETRIES, CLEAN_UP_RETRIES));
    LeaseSettings lease = lease();
    return metrics -> StoreCleanUp.open(settings, lease, CLEAN_UP_RETRIES, metrics);
  }

  public FlushSettings flush() {
    return new FlushSettings(store(), lease(), config.flush().lockTtl(), recovery());
  }

  /**
   * Returns what makes parts again.
   *
   * @param chunkBytes the largest value of a record on the segments topic
   */
  public Opener<Rebuild> rebuild(int chunkBytes) {
    FlushSettings settings = flush();
    return metrics -> new StoreRebuild(settings, chunkBytes, metrics, Clock.systemUTC());
  }
}

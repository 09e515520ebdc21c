package io.spanfold.job;

import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Login;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.core.batch.SubsegmentGrouping;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.SourceRecord;
import io.spanfold.job.adopt.AdoptSettings;
import io.spanfold.job.async.AsyncStageSettings;
import io.spanfold.job.batch.BatchOperator;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.config.StartingOffsets;
import io.spanfold.job.flush.FlushSettings;
import io.spanfold.job.flush.StoreCleanUp;
import io.spanfold.job.flush.StoreRebuild;
import io.spanfold.job.memory.RedisMemoryMonitorSettings;
import io.spanfold.job.recovery.PayloadRecoverySettings;
import io.spanfold.job.sink.SegmentStrategy.CleanUp;
import io.spanfold.job.sink.SegmentStrategy.Opener;
import io.spanfold.job.sink.SegmentStrategy.Rebuild;
import io.spanfold.job.source.GatedSource;
import io.spanfold.job.source.SourceRecordSchema;
import io.spanfold.job.time.AdvancingWatermarks;
import io.spanfold.job.time.BacklogClock;
import io.spanfold.job.time.ReadingStatus;
import io.spanfold.job.time.RecordTime;
import java.time.Clock;
import java.time.Duration;
import java.util.Properties;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceBuilder;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.util.clock.SystemClock;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;

/** What the steps of the pipeline are made of, as the job's settings say. */
public final class PipelineFactory {

  /**
   * So that a part is closed near the size it is meant to have, a subsegment is a fraction of that.
   */
  private static final int SUBSEGMENTS_A_PART = 10;

  /**
   * How many batches, at their largest, may be in the write stage of a subtask before it takes in
   * no more. Enough for one to be at hand when another is done. More would not be faster, and all
   * of them go into a checkpoint that does not wait for them.
   */
  private static final int BATCHES_WAITING = 1;

  /** How many slices of parts may wait to be flushed in a subtask: some hundred bytes each. */
  private static final int SLICES_WAITING = 50_000;

  private static final int FLUSH_WORKERS = 2;

  /**
   * How many parts are loaded in one go at the most. After a loss, what they lack is read again in
   * one run over the topic, which costs about the same for few parts as for many.
   */
  private static final int PARTS_A_LOAD = 1_000;

  /**
   * Longer than loading from Redis and reading again from Kafka may take, retries included, before
   * they fail by themselves: this is for what nobody thought of.
   */
  private static final Duration FLUSH_STALL = Duration.ofMinutes(10);

  /** Writes may wait for as long as Redis is full: a pause, not an accident. */
  private static final long NO_STALL = 0;

  /**
   * Batches are done in milliseconds as a rule; waiting for them is cheaper than writing them into
   * the checkpoint.
   */
  private static final Duration BARRIER_WAIT = Duration.ofMillis(500);

  /**
   * Bytes that are twice in Redis while they are adopted: little beside what Redis has as a rule.
   */
  private static final long ADOPTED_A_CHECKPOINT = 256L * 1024 * 1024;

  /**
   * The committer blocks its task, and with it the checkpoints: it leaves more tries to the next
   * commit.
   */
  private static final Duration CLEAN_UP_RETRIES = Duration.ofSeconds(5);

  private final SpanfoldConfig config;

  public PipelineFactory(SpanfoldConfig config) {
    this.config = config;
  }

  public GatedSource<SourceRecord> source() {
    Properties clients = new Properties();
    config.kafka().properties().forEach(clients::setProperty);
    clients.setProperty(
        CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, config.kafka().bootstrapServers());
    return new GatedSource<>(kafkaSource(clients), memoryGuard(), clients, config.ingest().adopt());
  }

  private KafkaSource<SourceRecord> kafkaSource(Properties clients) {
    Properties properties = new Properties();
    properties.putAll(clients);
    // What an upstream transaction has not committed was never sent.
    properties.setProperty(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    KafkaSourceBuilder<SourceRecord> source =
        KafkaSource.<SourceRecord>builder()
            .setBootstrapServers(config.kafka().bootstrapServers())
            .setTopics(config.source().topic())
            .setGroupId(config.source().groupId())
            .setProperties(properties)
            .setDeserializer(new SourceRecordSchema())
            .setStartingOffsets(startingOffsets());
    if (config.source().bounded()) {
      source.setBounded(OffsetsInitializer.latest());
    }
    return source.build();
  }

  @SuppressWarnings("deprecation") // Kafka deprecates the type; the connector still asks for it.
  private OffsetsInitializer startingOffsets() {
    StartingOffsets start = config.source().startingOffsets();
    return switch (start.origin()) {
      case EARLIEST -> OffsetsInitializer.earliest();
      case LATEST -> OffsetsInitializer.latest();
      case COMMITTED -> OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST);
      case TIMESTAMP -> OffsetsInitializer.timestamp(start.timestamp());
    };
  }

  public WatermarkStrategy<SourceRecord> clock() {
    WatermarkStrategy<SourceRecord> strategy =
        config.source().bounded()
            ? WatermarkStrategy.forGenerator(context -> new BacklogClock<>())
            : WatermarkStrategy.forGenerator(
                context ->
                    new AdvancingWatermarks<>(
                        context.getInputActivityClock(),
                        SystemClock.getInstance(),
                        ReadingStatus.of(context.getMetricGroup()),
                        SourceRecord::partition,
                        SourceRecord::offset));
    RecordTime<SourceRecord> time = new RecordTime<>(Clock.systemUTC());
    return strategy.withTimestampAssigner(context -> time);
  }

  public AdoptSettings adopt() {
    return new AdoptSettings(store(), lease(), ADOPTED_A_CHECKPOINT);
  }

  public BatchOperator.Limits batchLimits() {
    return new BatchOperator.Limits(
        config.ingest().batchMaxSpans(),
        config.ingest().batchMaxBytes(),
        config.ingest().batchMaxDelay().toMillis());
  }

  public SubsegmentGrouping grouping() {
    FoldSettings fold = foldSettings();
    return new SubsegmentGrouping(
        Math.min(fold.timeout(), fold.rootTimeout()),
        Math.max(1, fold.maxBytes() / SUBSEGMENTS_A_PART),
        config.phase().layouts());
  }

  public FoldSettings foldSettings() {
    return new FoldSettings(
        config.segment().timeout().toMillis(),
        config.segment().rootTimeout().toMillis(),
        config.segment().maxAge().toMillis(),
        config.segment().lateGrace().toMillis(),
        config.segment().maxBytes(),
        config.segment().maxSpans());
  }

  /**
   * Ordered, so that the fold sees a trace's spans as they came: its rule on record time depends on
   * that.
   */
  public AsyncStageSettings writeStage() {
    return new AsyncStageSettings(
        true,
        1,
        BATCHES_WAITING * config.ingest().batchMaxBytes(),
        Long.MAX_VALUE,
        1,
        BARRIER_WAIT.toMillis(),
        NO_STALL);
  }

  public AsyncStageSettings flushStage() {
    return new AsyncStageSettings(
        false,
        FLUSH_WORKERS,
        SLICES_WAITING,
        config.flush().inFlightBytes(),
        PARTS_A_LOAD,
        0,
        FLUSH_STALL.toMillis());
  }

  public RedisMemoryMonitorSettings memoryGuard() {
    return RedisMemoryMonitorSettings.of(
        redis(Timeouts.DEFAULT), config.redis().maxMemoryFraction());
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
        config.phase());
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

  public PayloadRecoverySettings reread() {
    return new PayloadRecoverySettings(
        config.kafka().bootstrapServers(),
        config.kafka().properties(),
        config.source().topic(),
        Timeouts.DEFAULT.retries());
  }

  public Opener<CleanUp> cleanUp() {
    StoreSettings settings =
        store(new Timeouts(Timeouts.DEFAULT.connect(), CLEAN_UP_RETRIES, CLEAN_UP_RETRIES));
    LeaseSettings lease = lease();
    return metrics -> StoreCleanUp.open(settings, lease, CLEAN_UP_RETRIES, metrics);
  }

  public FlushSettings flush() {
    return new FlushSettings(store(), lease(), config.flush().lockTtl(), reread());
  }

  public Opener<Rebuild> rebuild() {
    FlushSettings settings = flush();
    return metrics -> new StoreRebuild(settings, metrics, Clock.systemUTC());
  }
}

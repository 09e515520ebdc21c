package io.spanfold;

import io.spanfold.buffer.index.Buckets;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.SourceRecord;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.segment.SegmentChunker;
import io.spanfold.job.FailureHandling;
import io.spanfold.job.PipelineFactory;
import io.spanfold.job.async.AsyncStageOperator;
import io.spanfold.job.batch.BatchOperator;
import io.spanfold.job.config.JobArguments;
import io.spanfold.job.config.JobArguments.Action;
import io.spanfold.job.config.OptionsHelp;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.flush.FlushFunction;
import io.spanfold.job.parse.ParseOperator;
import io.spanfold.job.preflight.CheckReport;
import io.spanfold.job.preflight.PreflightChecks;
import io.spanfold.job.serialization.StateType;
import io.spanfold.job.sink.RecoverableKafkaSink;
import io.spanfold.job.sink.RejectStrategy;
import io.spanfold.job.sink.SegmentStrategy;
import io.spanfold.job.track.TrackOperator;
import io.spanfold.job.write.WriteFunction;
import java.time.Clock;
import java.time.Duration;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.CheckpointConfig;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.ParameterTool;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The main class: builds the pipeline and submits it. */
public final class SpanfoldJob {

  private static final Logger LOG = LoggerFactory.getLogger(SpanfoldJob.class);

  private SpanfoldJob() {}

  /** Reads the arguments, checks the servers, and submits the job; see {@code --help}. */
  public static void main(String[] args) throws Exception {
    JobArguments arguments = JobArguments.parse(args);
    if (arguments.action() == Action.HELP) {
      System.out.println(OptionsHelp.text());
      return;
    }
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    SpanfoldConfig config =
        SpanfoldConfig.of(arguments.options(), checkpointInterval(env), maxParallelism(env));
    if (arguments.action() == Action.PRINT_CONFIG) {
      System.out.print(config.describe());
      return;
    }
    if (arguments.action() == Action.CHECK) {
      CheckReport report = check(env, config);
      report.warnings().forEach(warning -> System.out.println("Warning: " + warning));
      report.refuse();
      System.out.println("Kafka and Redis are ready for this job.");
      return;
    }
    CheckReport report = config.startChecks() ? check(env, config) : PreflightChecks.flink(env);
    report.warnings().forEach(LOG::warn);
    report.refuse();
    build(env, config, PreflightChecks.chunkBytes(config));
    // The given options only, because the defaults of the next release may differ.
    env.getConfig().setGlobalJobParameters(ParameterTool.fromMap(arguments.shown()));
    env.execute("Spanfold: " + config.source().topic() + " to " + config.sink().topic());
  }

  private static CheckReport check(StreamExecutionEnvironment env, SpanfoldConfig config)
      throws InterruptedException {
    PipelineFactory steps = new PipelineFactory(config);
    return PreflightChecks.run(config, steps.store().redis(), steps.lease(), env);
  }

  /** Returns the time between two checkpoints, and sets it if Flink's configuration does not. */
  private static Duration checkpointInterval(StreamExecutionEnvironment env) {
    if (env.getConfiguration().getOptional(CheckpointingOptions.CHECKPOINTING_INTERVAL).isEmpty()) {
      env.enableCheckpointing(SpanfoldConfig.DEFAULT_CHECKPOINT_INTERVAL.toMillis());
    }
    CheckpointConfig checkpoints = env.getCheckpointConfig();
    return Duration.ofMillis(
        Math.max(checkpoints.getCheckpointInterval(), checkpoints.getMinPauseBetweenCheckpoints()));
  }

  /** Returns the job's number of key groups, and sets it if Flink's configuration does not. */
  private static int maxParallelism(StreamExecutionEnvironment env) {
    if (env.getMaxParallelism() <= 0) {
      env.setMaxParallelism(Buckets.DEFAULT_MAX_PARALLELISM);
    }
    return env.getMaxParallelism();
  }

  /**
   * Builds the pipeline.
   *
   * @param chunkBytes the largest value of a record on the segments topic
   */
  public static void build(StreamExecutionEnvironment env, SpanfoldConfig config, int chunkBytes) {
    PipelineFactory steps = new PipelineFactory(config);
    configure(env, config);

    DataStream<SourceRecord> records =
        env.fromSource(steps.source(), steps.clock(), "Read " + config.source().topic())
            .uid("source");

    SingleOutputStreamOperator<Span> spans =
        records
            .transform(
                "Parse",
                StateType.SPAN,
                new ParseOperator(
                    SegmentChunker.maxRecordBytes(chunkBytes), config.ingest().drop()))
            .uid("parse");

    DataStream<StoredTrace> stored =
        withAdopted(spans, steps, config)
            .keyBy(Span::trace, StateType.TRACE_KEY)
            .transform(
                "Batch",
                StateType.SPAN_BATCH,
                new BatchOperator(config.ingest().batch(), steps.grouping()))
            .uid("batch")
            .transform(
                "Write to Redis",
                StateType.STORED_TRACE,
                new AsyncStageOperator<>(
                    new WriteFunction(steps.store(), steps.lease(), steps.redisGate()),
                    steps.writeStage(),
                    StateType.SPAN_BATCH))
            .uid("write");

    DataStream<FlushRequest> due =
        stored
            .keyBy(StoredTrace::trace, StateType.TRACE_KEY)
            .transform(
                "Track",
                StateType.FLUSH_REQUEST,
                new TrackOperator(config.segment(), steps.redisGate()))
            .uid("track");

    SingleOutputStreamOperator<FlushedPart> flushed =
        inOrderOfTraces(due, config)
            .transform(
                "Flush",
                StateType.FLUSHED_PART,
                new AsyncStageOperator<>(
                    new FlushFunction(steps.flush(), chunkBytes, Clock.systemUTC()),
                    steps.flushStage(),
                    StateType.FLUSH_REQUEST))
            .uid("flush");

    var segments =
        flushed
            .sinkTo(
                new RecoverableKafkaSink<>(
                    config,
                    new SegmentStrategy(
                        config, chunkBytes, steps.cleanUp(), steps.rebuild(chunkBytes))))
            .name("Write " + config.sink().topic())
            .uid("segments-sink");

    if (config.flush().parallelism() > 0) {
      flushed.setParallelism(config.flush().parallelism());
      segments.setParallelism(config.flush().parallelism());
    }

    spans
        .getSideOutput(ParseOperator.REJECTED)
        .sinkTo(new RecoverableKafkaSink<>(config, new RejectStrategy(config, steps.recovery())))
        .name("Write " + config.sink().deadLetterTopic() + ", " + config.sink().outcomesTopic())
        .uid("rejects-sink");
  }

  /** The operator has no state: a savepoint can be restored with and without it. */
  private static DataStream<Span> withAdopted(
      DataStream<Span> spans, PipelineFactory steps, SpanfoldConfig config) {
    return config.ingest().adopt()
        ? spans.transform("Adopt", StateType.SPAN, steps.adopt()).uid("adopt")
        : spans;
  }

  /** Two parts of a trace may share a payload, so one subtask must flush them, in their order. */
  private static DataStream<FlushRequest> inOrderOfTraces(
      DataStream<FlushRequest> due, SpanfoldConfig config) {
    return config.flush().parallelism() > 0
        ? due.keyBy(FlushRequest::trace, StateType.TRACE_KEY)
        : due;
  }

  private static void configure(StreamExecutionEnvironment env, SpanfoldConfig config) {
    // Buckets are shares of the key groups. The configuration has the number of these from Flink's.
    env.setMaxParallelism(config.redis().buckets().maxParallelism());
    Configuration ours = new Configuration();
    // A type without a serializer of ours would go to Kryo, which cannot evolve: better not to
    // start.
    ours.set(PipelineOptions.GENERIC_TYPES, false);
    // All emitted elements are immutable.
    ours.set(PipelineOptions.OBJECT_REUSE, true);
    FailureHandling.configure(env.getConfiguration(), ours);
    env.configure(ours);
  }
}

package io.spanfold.reference;

import io.spanfold.core.model.SourceRecord;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.config.DropRules;
import io.spanfold.job.parse.ParseOperator;
import io.spanfold.job.serialization.StateType;
import io.spanfold.job.source.SourceRecordSchema;
import java.time.Duration;
import java.util.Set;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.ParameterTool;

/** The steps that all reference jobs share: read, parse, key by project and trace. */
final class ParsedSpans {

  /** The same settings as in {@link io.spanfold.SpanfoldJob}. */
  private static final int MAX_PARALLELISM = 5040;

  private static final int MAX_RECORD_BYTES = 9_000_000;

  private static final DropRules NO_RULES = new DropRules(Set.of(), Set.of(), Set.of());

  private ParsedSpans() {}

  /** Returns the spans of {@code source.topic} at {@code kafka.bootstrap.servers}, keyed. */
  static KeyedStream<Span, TraceKey> of(StreamExecutionEnvironment env, ParameterTool options) {
    configure(env);
    KafkaSource<SourceRecord> source =
        KafkaSource.<SourceRecord>builder()
            .setBootstrapServers(options.getRequired("kafka.bootstrap.servers"))
            .setTopics(options.getRequired("source.topic"))
            .setGroupId(options.get("source.group.id", "reference"))
            .setProperty("isolation.level", "read_committed")
            .setDeserializer(new SourceRecordSchema())
            .setStartingOffsets(OffsetsInitializer.earliest())
            .build();
    return env.fromSource(
            source,
            WatermarkStrategy.<SourceRecord>forBoundedOutOfOrderness(Duration.ZERO)
                .withTimestampAssigner((record, timestamp) -> timestamp),
            "Read")
        .uid("source")
        .transform("Parse", StateType.SPAN, new ParseOperator(MAX_RECORD_BYTES, NO_RULES))
        .uid("parse")
        .keyBy(Span::trace, StateType.TRACE_KEY);
  }

  private static void configure(StreamExecutionEnvironment env) {
    env.setMaxParallelism(MAX_PARALLELISM);
    Configuration ours = new Configuration();
    ours.set(PipelineOptions.GENERIC_TYPES, false);
    ours.set(PipelineOptions.OBJECT_REUSE, true);
    env.configure(ours);
  }
}

package io.spanfold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.job.config.SpanfoldConfig;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.api.java.typeutils.runtime.kryo.KryoSerializer;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.junit.jupiter.api.Test;

/** The graph that is submitted. */
class JobGraphTest {

  /** A sink's uid is its writer's; Flink makes that of its committer from it. */
  private static final Map<String, String> NAMES_BY_UID =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("source", "Source: Read ingest-spans"),
              Map.entry("parse", "Parse"),
              Map.entry("batch", "Batch"),
              Map.entry("write", "Write to Redis"),
              Map.entry("track", "Track"),
              Map.entry("flush", "Flush"),
              Map.entry("segments-sink", "Write buffered-segments: Writer"),
              Map.entry("Sink Committer: segments-sink", "Write buffered-segments: Committer"),
              Map.entry("rejects-sink", "Write ingest-spans-dlq, outcomes: Writer"),
              Map.entry(
                  "Sink Committer: rejects-sink", "Write ingest-spans-dlq, outcomes: Committer")));

  private final StreamExecutionEnvironment env =
      StreamExecutionEnvironment.createLocalEnvironment(2, new Configuration());

  private final Configuration options = new Configuration();

  @Test
  void everyOperatorKeepsItsUidAndItsName() {
    Map<String, String> names = new TreeMap<>();
    nodes()
        .forEach(
            node -> names.put(String.valueOf(node.getTransformationUID()), node.getOperatorName()));

    assertThat(names)
        .as(
            "uids, which a savepoint finds its state by: one that is renamed, removed or missing"
                + " loses state; the names are what people see")
        .containsExactlyEntriesOf(NAMES_BY_UID);
    assertThat(nodes()).hasSize(names.size());
  }

  @Test
  void adoptRunsOnlyInTheSourceTask() {
    options.setString("ingest.adopt", "true");
    Map<String, String> names = new TreeMap<>(NAMES_BY_UID);
    names.put("adopt", "Adopt");
    assertThat(
            nodes()
                .collect(
                    Collectors.toMap(
                        StreamNode::getTransformationUID, StreamNode::getOperatorName)))
        .containsExactlyInAnyOrderEntriesOf(names);
    assertThat(env.getStreamGraph(false).getJobGraph().getVertices())
        .filteredOn(vertex -> vertex.getName().contains("Adopt"))
        .singleElement()
        .satisfies(vertex -> assertThat(vertex.getName()).contains("Source: Read", "Parse"));
  }

  @Test
  void noTypeGoesToKryo() {
    assertThat(
            nodes()
                .flatMap(
                    node ->
                        Stream.of(
                                Arrays.stream(node.getTypeSerializersIn()),
                                Stream.of(node.getTypeSerializerOut()),
                                Stream.of(node.getStateKeySerializer()))
                            .flatMap(s -> s))
                .filter(Objects::nonNull))
        .isNotEmpty()
        .noneMatch(KryoSerializer.class::isInstance);
    assertThat(env.getConfiguration().get(PipelineOptions.GENERIC_TYPES))
        .as("types within types are refused when the graph is made")
        .isFalse();
  }

  private Stream<StreamNode> nodes() {
    if (env.getTransformations().isEmpty()) {
      options.setString("kafka.bootstrap.servers", "kafka.invalid:9092");
      options.setString("redis.uri", "redis://redis.invalid:6379");
      SpanfoldJob.build(env, SpanfoldConfig.of(options), 500_000);
    }
    return env.getStreamGraph(false).getStreamNodes().stream();
  }
}

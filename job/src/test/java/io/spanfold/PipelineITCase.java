package io.spanfold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.SegmentParts;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The whole job on real servers, over a topic that it reads to the end. */
class PipelineITCase {

  private static final FoldSettings SETTINGS =
      new FoldSettings(60_000, 10_000, 100_000, 30_000, Long.MAX_VALUE);

  private static Servers servers;

  @BeforeAll
  static void start() throws Exception {
    servers = new Servers();
  }

  @AfterAll
  static void stop() {
    servers.close();
  }

  @ParameterizedTest
  @CsvSource({
    "1, 10000, distributed",
    "2, 10000, distributed",
    "4, 10000, distributed",
    "2, 1, distributed",
    "2, 10000, merged",
    "2, 1, merged",
    "2, 10000, dual-write",
    "2, 1, dual-write",
    "2, 10000, dual-read",
    "2, 1, dual-read"
  })
  void partsFollowTheRulesForAnyParallelismBatchingAndPhase(
      int parallelism, int maxSpans, String phase) throws Exception {
    String name = "spans-%d-%d-%s".formatted(parallelism, maxSpans, phase);
    servers.createTopic(name, Servers.PARTITIONS);
    servers.createTopic(name + "-segments", 1);
    List<Span> spans = inOrderOfTime(traces(new Random(parallelism * 31L + maxSpans), 300));
    SpanRecords.send(servers.bootstrapServers(), name, Servers.PARTITIONS, spans);

    run(name, parallelism, maxSpans, phase);

    try (CommittedRecords committed =
        new CommittedRecords(servers.bootstrapServers(), name + "-segments")) {
      assertThat(SegmentParts.committed(committed.all()))
          .isEqualTo(SegmentParts.expected(SegmentParts.fold(SETTINGS, spans)));
    }
    assertThat(servers.redisKeys()).as("left in Redis").isEmpty();
  }

  private static void run(String name, int parallelism, int maxSpans, String phase)
      throws Exception {
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(parallelism, new Configuration());
    env.enableCheckpointing(500);
    SpanfoldConfig config = SpanfoldConfig.of(options(name, maxSpans, phase));
    SpanfoldJob.build(env, config, 500_000);
    env.execute(name);
  }

  private static Configuration options(String name, int maxSpans, String phase) {
    Configuration options = servers.options(name);
    options.setString("rollout.phase", phase);
    options.setString("source.bounded", "true");
    options.setString("ingest.batch.max-spans", Integer.toString(maxSpans));
    options.setString("segment.max-age", "100 s");
    options.setString("segment.late-grace", "30 s");
    options.setString("flush.lock-ttl", "90 s");
    return options;
  }

  private static List<Span> traces(Random random, int count) {
    List<Span> spans = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      TraceKey trace = new TraceKey(random.nextInt(5), random.nextLong(), i);
      spans.addAll(RandomTraces.trace(trace, random, Pace.values()[random.nextInt(3)], true));
    }
    return spans;
  }

  private static List<Span> inOrderOfTime(List<Span> spans) {
    List<Span> sorted = new ArrayList<>(spans);
    sorted.sort(Comparator.comparingLong(Span::timestamp));
    return sorted;
  }
}

package io.spanfold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.SegmentParts;
import io.spanfold.testing.Servers;
import io.spanfold.testing.SpanRecords;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The whole job in locales in which code that forgets to name one fails: in the Turkish one, the
 * lower case of I is not i; in an Arabic one, numbers are written with other digits.
 */
class LocaleITCase {

  private static final FoldSettings SETTINGS =
      new FoldSettings(60_000, 10_000, 900_000, 60_000, Long.MAX_VALUE);

  private static final Locale MACHINE = Locale.getDefault();

  private static Servers servers;

  @BeforeAll
  static void start() throws Exception {
    servers = new Servers();
  }

  @AfterAll
  static void stop() {
    servers.close();
  }

  @AfterEach
  void restoreLocale() {
    Locale.setDefault(MACHINE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"tr-TR", "ar-EG-u-nu-arab"})
  @Timeout(120)
  void theOutputDoesNotDependOnTheLocaleOfTheMachine(String locale) throws Exception {
    String name = "locale-" + locale;
    servers.createTopic(name, Servers.PARTITIONS);
    servers.createTopic(name + "-segments", 2);
    List<Span> spans = RandomTraces.many(new Random(1), 50, 1_000, true, Pace.values());
    SpanRecords.send(servers.bootstrapServers(), name, Servers.PARTITIONS, spans);

    Locale.setDefault(Locale.forLanguageTag(locale));
    Configuration flink = new Configuration();
    flink.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
    StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(2, flink);
    env.enableCheckpointing(300);
    Configuration options = servers.options(name);
    options.setString("source.bounded", "true");
    SpanfoldJob.build(env, SpanfoldConfig.of(options), 500_000);
    env.execute(name);

    try (CommittedRecords committed =
        new CommittedRecords(servers.bootstrapServers(), name + "-segments")) {
      assertThat(
              SegmentParts.differences(
                  SegmentParts.expected(SegmentParts.fold(SETTINGS, spans)),
                  SegmentParts.committed(committed.all())))
          .isEmpty();
    }
  }
}

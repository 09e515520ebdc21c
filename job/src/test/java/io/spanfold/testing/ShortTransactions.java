package io.spanfold.testing;

import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * What makes transactions expire within a test. Settings like these are refused at submission,
 * because the broker would abort transactions before their commit: these tests need exactly that.
 */
public final class ShortTransactions {

  /** For the broker, which looks for expired transactions every ten seconds otherwise. */
  public static final Map<String, String> BROKER =
      Map.of("transaction.abort.timed.out.transaction.cleanup.interval.ms", "200");

  private ShortTransactions() {}

  /** Returns {@code config} with transactions that expire after {@code timeout}. */
  public static SpanfoldConfig in(SpanfoldConfig config, Duration timeout) {
    Map<String, String> properties = new HashMap<>(config.kafka().properties());
    properties.put("transaction.timeout.ms", Long.toString(timeout.toMillis()));
    return new SpanfoldConfig(
        new KafkaSettings(config.kafka().bootstrapServers(), properties),
        config.source(),
        config.sink(),
        config.redis(),
        config.ingest(),
        config.segment(),
        config.flush(),
        config.phase(),
        config.compressionLevel(),
        config.compressionDictionary(),
        config.startChecks(),
        config.debugTraces(),
        config.checkpointInterval(),
        config.shown());
  }
}

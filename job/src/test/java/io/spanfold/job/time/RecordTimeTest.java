package io.spanfold.job.time;

import static java.time.ZoneOffset.UTC;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Instant;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RecordTimeTest {

  private static final long NOW = 1_000_000;

  private final RecordTime<String> time =
      new RecordTime<>(Clock.fixed(Instant.ofEpochMilli(NOW), UTC));

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "999999, 999999",
    "1060000, 1060000",
    "1060001, 1060000",
    "9223372036854775807, 1060000"
  })
  void isTheKafkaTimestampAtMostAMinuteAhead(long kafkaTimestamp, long expected) {
    assertThat(time.extractTimestamp("a", kafkaTimestamp)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({"-1", "-9223372036854775808"})
  void isTheCurrentTimeIfTheRecordHasNone(long none) {
    assertThat(time.extractTimestamp("a", none)).isEqualTo(NOW);
  }
}

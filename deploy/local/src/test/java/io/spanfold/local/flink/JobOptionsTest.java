package io.spanfold.local.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.local.cli.UsageException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class JobOptionsTest {

  @Test
  void theUsersValueWins() {
    JobOptions options =
        new JobOptions(List.of("--redis.buffer", "mine", "--sink.transactional-id-prefix=p"))
            .set("redis.buffer", "local")
            .set("sink.transactional-id-prefix", "local")
            .set("redis.uri", "redis://h:1");

    assertThat(options.toArguments())
        .containsExactly(
            "--redis.uri",
            "redis://h:1",
            "--redis.buffer",
            "mine",
            "--sink.transactional-id-prefix=p");
  }

  @Test
  void readsBothFormsOfOptionsByName() {
    JobOptions options =
        new JobOptions(List.of("--redis.buffer", "mine", "--a=b=c", "--source.bounded.not"))
            .set("redis.uri", "redis://h:1");

    assertThat(options.toMap())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "redis.uri",
                "redis://h:1",
                "redis.buffer",
                "mine",
                "a",
                "b=c",
                "source.bounded.not",
                "true"));
  }

  @Test
  void refusesOptionsThatTheCommandSets() {
    assertThatThrownBy(() -> new JobOptions(List.of("--sink.topic=other")))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("--sink.topic");
  }

  @Test
  void slotsAreTheLargestParallelism() {
    assertThat(new JobOptions(List.of("--flush.parallelism", "7")).slots(2)).isEqualTo(7);
    assertThat(new JobOptions(List.of("--flush.parallelism=1")).slots(2)).isEqualTo(2);
    assertThat(new JobOptions(List.of("--flush.parallelism")).slots(2)).isEqualTo(2);
  }
}

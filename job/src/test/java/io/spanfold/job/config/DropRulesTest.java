package io.spanfold.job.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.testing.Spans;
import java.util.List;
import org.junit.jupiter.api.Test;

class DropRulesTest {

  private static final TraceKey TRACE = new TraceKey(7, -1, 2);

  /** Of organization 1. */
  private final Span span = Spans.root(TRACE, 5, 0, 0);

  @Test
  void dropNothingWhereThereAreNone() {
    assertThat(drop()).isFalse();
  }

  @Test
  void dropAProjectWhateverTheTrace() {
    assertThat(drop("8", "7")).isTrue();
    assertThat(drop("8", "70", "1")).isFalse();
  }

  @Test
  void dropATraceOfItsProjectOnly() {
    assertThat(drop(TRACE.toString())).isTrue();
    assertThat(drop(new TraceKey(8, -1, 2).toString())).isFalse();
    assertThat(drop(new TraceKey(7, -1, 3).toString())).isFalse();
    assertThat(drop(new TraceKey(7, 1, 2).toString())).isFalse();
  }

  @Test
  void dropAnOrganizationWhichIsNoProject() {
    assertThat(drop("organization:1")).isTrue();
    assertThat(drop("organization:7", "1")).isFalse();
  }

  private boolean drop(String... rules) {
    return new DropRules(List.of(rules)).drop(span);
  }
}

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
  void emptyRulesMatchNothing() {
    assertThat(matches()).isFalse();
  }

  @Test
  void projectMatchesAllItsTraces() {
    assertThat(matches("8", "7")).isTrue();
    assertThat(matches("8", "70", "1")).isFalse();
  }

  @Test
  void traceMatchesInItsProjectOnly() {
    assertThat(matches(TRACE.toString())).isTrue();
    assertThat(matches(new TraceKey(8, -1, 2).toString())).isFalse();
    assertThat(matches(new TraceKey(7, -1, 3).toString())).isFalse();
    assertThat(matches(new TraceKey(7, 1, 2).toString())).isFalse();
  }

  @Test
  void organizationIsNotAProject() {
    assertThat(matches("organization:1")).isTrue();
    assertThat(matches("organization:7", "1")).isFalse();
  }

  private boolean matches(String... rules) {
    return DropRules.parse(List.of(rules)).matches(span);
  }
}

package io.spanfold.local;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StackTracesTest {

  @Test
  void findsTheInnermostCausesMessage() {
    assertThat(
            StackTraces.rootCause(
                """
                org.apache.flink.util.FlinkException: outer
                \tat a.B.c(B.java:1)
                Caused by: java.lang.IllegalStateException: the buffer is taken: stop the other job
                or name another buffer
                \tat d.E.f(E.java:2)
                \t... 9 more
                """))
        .isEqualTo("the buffer is taken: stop the other job or name another buffer");
  }

  @Test
  void keepsTheClassWhereThereIsNoMessage() {
    assertThat(StackTraces.rootCause("java.lang.NullPointerException\n\tat a.B.c(B.java:1)"))
        .isEqualTo("java.lang.NullPointerException");
    assertThat(StackTraces.rootCause("plain: words")).isEqualTo("plain: words");
  }
}

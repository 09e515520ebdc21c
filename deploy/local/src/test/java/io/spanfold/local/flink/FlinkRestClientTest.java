package io.spanfold.local.flink;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FlinkRestClientTest {

  @Test
  void theRootCauseIsTheInnermostMessage() {
    assertThat(
            FlinkRestClient.rootCause(
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
  void theRootCauseIsTheClassIfThereIsNoMessage() {
    assertThat(FlinkRestClient.rootCause("java.lang.NullPointerException\n\tat a.B.c(B.java:1)"))
        .isEqualTo("java.lang.NullPointerException");
    assertThat(FlinkRestClient.rootCause("plain: words")).isEqualTo("plain: words");
  }
}

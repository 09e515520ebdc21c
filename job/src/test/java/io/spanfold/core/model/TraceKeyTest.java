package io.spanfold.core.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TraceKeyTest {

  /** It decides which key group a trace's state and timers are in, in every savepoint. */
  @Test
  void theHashStays() {
    assertThat(new TraceKey(0, 0, 0).hashCode()).isZero();
    assertThat(new TraceKey(42, 0x0123456789ABCDEFL, 0xFEDCBA9876543210L).hashCode())
        .isEqualTo(-614444837);
    assertThat(new TraceKey(Long.MAX_VALUE, -1, 1).hashCode()).isEqualTo(-523190196);
  }
}

package io.spanfold.core.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
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

  @Test
  void theOrderTellsApartWhatTheHashDoesNot() {
    List<TraceKey> keys = new ArrayList<>();
    for (long project = 0; project < 3; project++) {
      for (long high = -1; high < 2; high++) {
        keys.add(new TraceKey(project, high, low(project, high)));
      }
    }
    assertThat(keys).extracting(TraceKey::hashCode).containsOnly(keys.get(0).hashCode());
    assertThat(new TreeSet<>(keys)).hasSameSizeAs(keys);
    for (TraceKey one : keys) {
      for (TraceKey other : keys) {
        assertThat(one.compareTo(other)).isEqualTo(-other.compareTo(one));
        assertThat(one.compareTo(other) == 0).isEqualTo(one.equals(other));
      }
    }
  }

  /** Returns what gives a trace the hash code of all others that it was asked for. */
  private static long low(long project, long high) {
    return project * 0x9E3779B97F4A7C15L ^ high * 0xC2B2AE3D27D4EB4FL ^ 5;
  }
}

package io.spanfold.local.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class BenchTest {

  @Test
  void eachRoundBeginsWithAnotherContender() {
    List<String> all = List.of("a", "b", "c");
    assertThat(Bench.inRound(1, all)).containsExactly("a", "b", "c");
    assertThat(Bench.inRound(2, all)).containsExactly("b", "c", "a");
    assertThat(Bench.inRound(3, all)).containsExactly("c", "a", "b");
    assertThat(Bench.inRound(4, all)).containsExactly("a", "b", "c");
  }
}

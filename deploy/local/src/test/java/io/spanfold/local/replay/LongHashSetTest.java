package io.spanfold.local.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LongHashSetTest {

  @Test
  void behavesLikeASet() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    LongHashSet tested = new LongHashSet();
    Set<Long> oracle = new HashSet<>();
    for (int i = 0; i < 100_000; i++) {
      long hash = LongHashSet.hash("span " + random.nextInt(50_000));
      assertThat(tested.add(hash)).as("seed %d", seed).isEqualTo(oracle.add(hash));
    }
    assertThat(oracle).hasSizeGreaterThan(40_000);
  }
}

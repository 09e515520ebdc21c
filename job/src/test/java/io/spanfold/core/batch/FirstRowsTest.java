package io.spanfold.core.batch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FirstRowsTest {

  @Test
  void everyKeyIsFoundAtTheFirstRowThatHasIt() {
    for (long seed = 0; seed < 2_000; seed++) {
      Random random = new Random(seed);
      long[] keys = new long[random.nextInt(40)];
      for (int row = 0; row < keys.length; row++) {
        keys[row] = key(random);
      }
      FirstRows rows = new FirstRows(keys);
      Map<Long, Integer> expected = new HashMap<>();
      for (int row = 0; row < keys.length; row++) {
        expected.putIfAbsent(keys[row], row);
        assertThat(rows.add(row)).as("seed %d", seed).isEqualTo(expected.get(keys[row]));
        long asked = key(random);
        assertThat(rows.find(asked))
            .as("seed %d", seed)
            .isEqualTo(expected.getOrDefault(asked, -1));
      }
    }
  }

  @Test
  void noKeyIsFoundInAnEmptyTable() {
    assertThat(new FirstRows(new long[0]).find(0)).isEqualTo(-1);
    assertThat(new FirstRows(new long[3]).find(0)).as("rows are not added").isEqualTo(-1);
  }

  /** Few different ones, which differ in high or in low bits. */
  private static long key(Random random) {
    return (long) random.nextInt(8) << random.nextInt(64);
  }
}

package io.spanfold.core.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.testing.Spans;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.apache.commons.codec.digest.MurmurHash3;
import org.junit.jupiter.api.Test;

class SourcePositionsTest {

  @Test
  void givesBackRandomPositions() {
    for (long seed = 0; seed < 2_000; seed++) {
      List<SourcePosition> positions = random(new Random(seed));

      SourcePositions encoded = encode(positions);

      assertThat(encoded.all()).as("seed %d", seed).isEqualTo(positions);
      assertThat(SourcePositions.ofEncoded(encoded.encoded()).all())
          .as("seed %d", seed)
          .isEqualTo(positions);
    }
  }

  /** The id of a subsegment is a hash of the form: see {@code SubsegmentGrouping}. */
  @Test
  void oneOtherIndexGivesAnotherFormAndHash() {
    for (long seed = 0; seed < 2_000; seed++) {
      Random random = new Random(seed);
      List<SourcePosition> positions = random(random);
      List<SourcePosition> changed = new ArrayList<>(positions);
      int last = changed.size() - 1;
      SourcePosition at = changed.get(last);
      changed.set(
          last,
          new SourcePosition(at.partition(), at.offset(), at.index() + 1 + random.nextInt(9)));

      assertThat(hash(changed)).as("seed %d", seed).isNotEqualTo(hash(positions));
    }
  }

  @Test
  void aSpanOfARecordOfItsOwnTakesOneNumber() {
    assertThat(hex(encode(List.of(at(0, 5, 0), at(0, 300, 0), at(3, 7, 0)))))
        .isEqualTo("000205a702" + "030107");
    assertThat(hex(Spans.positions(5, 300))).isEqualTo("000205a702");
    assertThat(Spans.positions().encoded()).isEmpty();
  }

  @Test
  void aFurtherSpanOfARecordTakesOneNumber() {
    assertThat(hex(encode(List.of(at(2, 5, 1), at(2, 5, 3), at(2, 6, 0), at(2, 6, 1)))))
        .isEqualTo("020004" + "0a01" + "05" + "0200" + "03");
  }

  private static List<SourcePosition> random(Random random) {
    boolean indexed = random.nextBoolean();
    long spread = 1L << random.nextInt(63);
    TreeSet<SourcePosition> positions = new TreeSet<>();
    for (int i = 1 + random.nextInt(20); i > 0; i--) {
      int partition = random.nextInt(10) == 0 ? SourcePosition.NOWHERE : random.nextInt(3);
      long offset = random.nextLong(spread);
      for (int more = random.nextInt(4); more >= 0; more--) {
        int index = random.nextInt(20) == 0 ? random.nextInt(1 << 30) : random.nextInt(5);
        positions.add(at(partition, offset, indexed ? index : 0));
      }
    }
    return new ArrayList<>(positions);
  }

  private static SourcePosition at(int partition, long offset, int index) {
    return new SourcePosition(partition, offset, index);
  }

  private static SourcePositions encode(List<SourcePosition> positions) {
    return SourcePositions.of(
        positions.stream().mapToInt(SourcePosition::partition).toArray(),
        positions.stream().mapToLong(SourcePosition::offset).toArray(),
        positions.stream().mapToInt(SourcePosition::index).toArray());
  }

  private static String hash(List<SourcePosition> positions) {
    return Arrays.toString(MurmurHash3.hash128x64(encode(positions).encoded()));
  }

  private static String hex(SourcePositions positions) {
    return HexFormat.of().formatHex(positions.encoded());
  }
}

package io.spanfold.buffer.orphan;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.encoding.Hex;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OrphanedIndexTest {

  @Test
  void resolvesSegmentsThroughAnyNumberOfNames() {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    for (int run = 0; run < 200; run++) {
      int names = 1 + random.nextInt(50);
      // Each name leads to an earlier one, or is that of a current segment.
      long[] leadsTo = new long[names];
      long[] ends = new long[names];
      Map<Long, String> redirects = new HashMap<>();
      OrphanedIndex index = new OrphanedIndex();
      for (int name = 0; name < names; name++) {
        leadsTo[name] = name == 0 || random.nextInt(4) == 0 ? name : random.nextInt(name);
        ends[name] = leadsTo[name] == name ? name : ends[(int) leadsTo[name]];
        redirects.put((long) name, Hex.id(leadsTo[name]));
        if (leadsTo[name] == name) {
          index.field("s" + Hex.id(name), "1 2 3 0");
        }
        index.field("n" + Hex.id(name), "");
      }
      long[] filedUnder = random.longs(30, 0, names).toArray();
      for (int i = 0; i < filedUnder.length; i++) {
        index.field("m" + Hex.id(1_000 + i), Hex.id(filedUnder[i]));
      }
      read(index, redirects);
      for (int i = 0; i < filedUnder.length; i++) {
        assertThat(index.segmentOf(1_000 + i)).isEqualTo(ends[(int) filedUnder[i]]);
      }
      assertThat(index.subsegments()).hasSize(filedUnder.length);
    }
  }

  @Test
  void readsNoRedirectOfACurrentSegment() {
    OrphanedIndex index = new OrphanedIndex();
    index.field("m" + Hex.id(9), Hex.id(1));
    index.field("s" + Hex.id(1), "1 2 3 1");
    assertThat(index.unread()).isEmpty();
    assertThat(index.segmentOf(9)).isEqualTo(1);
  }

  @Test
  void aCycleHasOneEndFromEveryEntry() {
    Map<Long, String> circle =
        Map.of(5L, Hex.id(3), 3L, Hex.id(4), 4L, Hex.id(5), 8L, Hex.id(4), 7L, Hex.id(8));
    for (List<Long> order : List.of(List.of(5L, 8L, 7L), List.of(7L, 4L), List.of(3L, 5L))) {
      OrphanedIndex index = new OrphanedIndex();
      order.forEach(name -> index.field("m" + Hex.id(100 + name), Hex.id(name)));
      read(index, circle);
      assertThat(order).allMatch(name -> index.segmentOf(100 + name) == 3);
    }
  }

  @Test
  void aNameWithoutRedirectIsTheEnd() {
    OrphanedIndex index = new OrphanedIndex();
    index.field("m" + Hex.id(9), Hex.id(1));
    read(index, Map.of(1L, Hex.id(2)));
    assertThat(index.segmentOf(9)).isEqualTo(2);
  }

  @Test
  void readsMergedPayloadsOnlyIfTheTraceHasSome() {
    OrphanedIndex index = new OrphanedIndex();
    index.field("s" + Hex.id(1), "1 2 3 0");
    index.field("subsegments", "1");
    assertThat(index.segmentsWithMergedPayloads()).isEmpty();
    index.field("merged", "1");
    assertThat(index.segmentsWithMergedPayloads()).containsExactly(1L);
  }

  /** As {@link OrphanedIndexReader} does. */
  private static void read(OrphanedIndex index, Map<Long, String> redirects) {
    for (List<Long> names = index.unread(); !names.isEmpty(); names = index.unread()) {
      names.forEach(name -> index.redirect(name, redirects.get(name)));
    }
  }
}

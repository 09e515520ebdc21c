package io.spanfold.buffer.orphan;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.index.SubsegmentRecord;
import io.spanfold.buffer.index.TraceRecord;
import io.spanfold.buffer.index.TraceRecord.SegmentRecord;
import io.spanfold.core.model.Generation;
import java.nio.ByteBuffer;
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
      Map<Long, Long> redirects = new HashMap<>();
      OrphanedIndex index = new OrphanedIndex(true);
      for (int name = 0; name < names; name++) {
        leadsTo[name] = name == 0 || random.nextInt(4) == 0 ? name : random.nextInt(name);
        ends[name] = leadsTo[name] == name ? name : ends[(int) leadsTo[name]];
        redirects.put((long) name, leadsTo[name]);
        if (leadsTo[name] == name) {
          index.field(field('s', name), segment());
        }
        index.field(field('n', name), new byte[0]);
      }
      long[] filedUnder = random.longs(30, 0, names).toArray();
      for (int i = 0; i < filedUnder.length; i++) {
        index.field(field('m', 1_000 + i), subsegment(filedUnder[i]));
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
    OrphanedIndex index = new OrphanedIndex(true);
    index.field(field('m', 9), subsegment(1));
    index.field(field('s', 1), segment());
    assertThat(index.unread()).isEmpty();
    assertThat(index.segmentOf(9)).isEqualTo(1);
  }

  @Test
  void aCycleHasOneEndFromEveryEntry() {
    Map<Long, Long> circle = Map.of(5L, 3L, 3L, 4L, 4L, 5L, 8L, 4L, 7L, 8L);
    for (List<Long> order : List.of(List.of(5L, 8L, 7L), List.of(7L, 4L), List.of(3L, 5L))) {
      OrphanedIndex index = new OrphanedIndex(true);
      order.forEach(name -> index.field(field('m', 100 + name), subsegment(name)));
      read(index, circle);
      assertThat(order).allMatch(name -> index.segmentOf(100 + name) == 3);
    }
  }

  @Test
  void aNameWithoutRedirectIsTheEnd() {
    OrphanedIndex index = new OrphanedIndex(true);
    index.field(field('m', 9), subsegment(1));
    read(index, Map.of(1L, 2L));
    assertThat(index.segmentOf(9)).isEqualTo(2);
  }

  @Test
  void readsMergedPayloadsOnlyIfTheTraceHasSome() {
    OrphanedIndex index = new OrphanedIndex(true);
    index.field(field('s', 1), segment());
    index.field("subsegments".getBytes(US_ASCII), "1".getBytes(US_ASCII));
    assertThat(index.segmentsWithMergedPayloads()).isEmpty();
    index.field("merged".getBytes(US_ASCII), "1".getBytes(US_ASCII));
    assertThat(index.segmentsWithMergedPayloads()).containsExactly(1L);
  }

  @Test
  void aPackedRecordHasItsSubsegmentsUnderTheirSegments() {
    SubsegmentRecord first = new SubsegmentRecord(10, 7, 0, 2, 300, new Generation(1, 1));
    SubsegmentRecord second = new SubsegmentRecord(11, 0, 0, 1, 100, new Generation(1, 1));
    OrphanedIndex index =
        OrphanedIndex.of(
            new TraceRecord(
                5,
                false,
                List.of(
                    new SegmentRecord(1, List.of(3L), List.of(4L), true, List.of(first)),
                    new SegmentRecord(2, List.of(), List.of(), false, List.of(second)),
                    new SegmentRecord(9, List.of(), List.of(), false, List.of()))));

    assertThat(index.isLarge()).isFalse();
    assertThat(index.subsegments()).containsExactly(first, second);
    assertThat(index.segmentOf(10)).isEqualTo(1);
    assertThat(index.segmentOf(11)).isEqualTo(2);
    assertThat(index.segmentCount()).isEqualTo(2);
    assertThat(index.segmentsWithMergedPayloads()).isEmpty();
    assertThat(index.unread()).isEmpty();
  }

  private static byte[] field(char letter, long id) {
    return ByteBuffer.allocate(1 + Long.BYTES).put((byte) letter).putLong(id).array();
  }

  private static byte[] segment() {
    return "1 2 3 0".getBytes(US_ASCII);
  }

  private static byte[] subsegment(long segment) {
    return ByteBuffer.allocate(2 * Long.BYTES + 3 * Integer.BYTES + 10).putLong(segment).array();
  }

  /** As {@link OrphanedIndexReader} does. */
  private static void read(OrphanedIndex index, Map<Long, Long> redirects) {
    for (List<Long> names = index.unread(); !names.isEmpty(); names = index.unread()) {
      names.forEach(name -> index.redirect(name, redirects.get(name)));
    }
  }
}

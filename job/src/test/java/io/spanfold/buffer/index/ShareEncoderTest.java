package io.spanfold.buffer.index;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.Generation;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ShareEncoderTest {

  private static final TraceKey TRACE = new TraceKey(1, 2, 3);
  private static final int DISTINCT = 1;
  private static final int REPEATING = 2;

  @Test
  void aShareOfDistinctIdsIsTheRecordOfANewTrace() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int i = 0; i < 1_000; i++) {
      TraceShare share = new TraceHistory(TRACE, random, false, 30, 4).nextShare();
      byte[] bytes = ShareEncoder.encode(share, 4_000_000_000L);
      Map<Long, Integer> occurrences = new HashMap<>();
      for (int j = 0; j < share.subsegments().size(); j++) {
        long parent = share.subsegments().get(j).parentId();
        occurrences.merge(parent, 1, Integer::sum);
        int own = 0;
        for (long id : share.spanIds().get(j)) {
          if (id != parent || own++ > 0) {
            occurrences.merge(id, 1, Integer::sum);
          }
        }
      }
      boolean distinct = occurrences.values().stream().allMatch(count -> count == 1);
      assertThat(bytes[0]).as("seed %d", seed).isEqualTo((byte) (distinct ? DISTINCT : REPEATING));
      if (distinct) {
        IndexModel model = new IndexModel();
        model.add(share);
        TraceRecord record = TraceRecord.decode(bytes);
        assertThat(record.seconds()).isEqualTo(4_000_000_000L);
        assertThat(IndexUnderTest.packedSegments(record))
            .as("seed %d", seed)
            .isEqualTo(model.segments());
      }
    }
  }

  @Test
  void oneSubsegmentTwiceIsARepeat() {
    Subsegment first = TraceHistory.subsegment(7, 1, false, 1, 10, null);
    Subsegment second = TraceHistory.subsegment(7, 2, false, 1, 10, new SmallPayload(9, 1, 1, 0));
    TraceShare share =
        new TraceShare(
            TRACE,
            new Generation(1, 1),
            List.of(first, second),
            List.of(new long[] {3}, new long[] {4}));
    assertThat(ShareEncoder.encode(share, 0)[0]).isEqualTo((byte) REPEATING);
  }

  @Test
  void noShareThatIsNotLargeIsLongerThanARecord() {
    for (int spans = 1; spans < 3_000; spans += 17) {
      List<Subsegment> subsegments = new ArrayList<>();
      List<long[]> spanIds = new ArrayList<>();
      for (int from = 0; from < spans; from += 100) {
        long[] ids = new long[Math.min(100, spans - from)];
        for (int i = 0; i < ids.length; i++) {
          ids[i] = from + i + 1L;
        }
        subsegments.add(TraceHistory.subsegment(from, -from - 1, false, ids.length, 1, null));
        spanIds.add(ids);
      }
      TraceShare share = new TraceShare(TRACE, new Generation(1, 1), subsegments, spanIds);
      if (!IndexScripts.isLarge(share)) {
        assertThat(ShareEncoder.encode(share, 0).length)
            .isLessThanOrEqualTo(ShareEncoder.MAX_RECORD_BYTES);
      } else {
        assertThat(spans).isGreaterThan(700);
      }
    }
  }
}

package io.spanfold.job.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.job.sink.SegmentStrategy.CleanUp;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class PendingCleanUpsTest {

  private final CountingMetrics metrics = new CountingMetrics();
  private final List<Long> cleaned = new ArrayList<>();
  private int failures;
  private int failedStarts;
  private long failsOn = -1;
  private boolean superseded;

  @Test
  void cleansUpInOrderAndKeepsNothing() throws Exception {
    PendingCleanUps pending = pending(1_000);
    pending.add(receipts(0, 3));

    assertThat(pending.run()).isTrue();
    assertThat(pending.run()).isTrue();
    assertThat(cleaned).containsExactly(0L, 1L, 2L);
    assertThat(metrics.count("cleanUpsDone")).isEqualTo(3);
  }

  @Test
  void retriesFailedCleanUpsTogetherWithLaterOnes() throws Exception {
    PendingCleanUps pending = pending(1_000);
    failures = 2;
    pending.add(receipts(0, 2));

    assertThat(pending.run()).isFalse();
    pending.add(receipts(2, 4));
    assertThat(pending.run()).isFalse();
    assertThat(pending.run()).isTrue();
    assertThat(cleaned).containsExactly(0L, 1L, 2L, 3L);
    assertThat(metrics.count("cleanUpsFailed")).isEqualTo(2);
  }

  @Test
  void keepsTheProgressMadeBeforeAFailure() throws Exception {
    PendingCleanUps pending = pending(10_000);
    failsOn = 1_500;
    pending.add(receipts(0, 2_500));

    assertThat(pending.run()).isFalse();
    assertThat(cleaned).hasSize(1_000);
    failsOn = -1;
    assertThat(pending.run()).isTrue();
    assertThat(cleaned).containsExactlyElementsOf(LongStream.range(0, 2_500).boxed().toList());
  }

  @Test
  void opensTheStoreAgainIfItCouldNotBeReached() throws Exception {
    PendingCleanUps pending = pending(1_000);
    failedStarts = 1;
    pending.add(receipts(0, 1));

    assertThat(pending.run()).isFalse();
    assertThat(pending.run()).isTrue();
    assertThat(cleaned).containsExactly(0L);
  }

  @Test
  void cleansUpACommitThatIsLargerThanTheBound() throws Exception {
    PendingCleanUps pending = pending(5);
    pending.add(receipts(0, 8));

    assertThat(pending.run()).isTrue();
    assertThat(cleaned).hasSize(8);
    assertThat(metrics.count("cleanUpsAbandoned")).isZero();
  }

  @Test
  void leavesTheOldestToTheirTtlIfItFallsTooFarBehind() throws Exception {
    PendingCleanUps pending = pending(5);
    failures = 2;
    pending.add(receipts(0, 4));
    assertThat(pending.run()).isFalse();
    pending.add(receipts(4, 8));
    assertThat(pending.run()).isFalse();

    assertThat(pending.run()).isTrue();
    assertThat(cleaned).containsExactly(3L, 4L, 5L, 6L, 7L);
    assertThat(metrics.count("cleanUpsAbandoned")).isEqualTo(3);
  }

  @Test
  void failsIfAnotherJobHasTakenOver() throws IOException {
    PendingCleanUps pending = pending(1_000);
    superseded = true;
    pending.add(receipts(0, 2));

    assertThatExceptionOfType(IllegalStateException.class)
        .isThrownBy(pending::run)
        .withMessageContaining("another job, on purpose");
    assertThat(cleaned).isEmpty();
  }

  @Test
  void countsCleanUpsThatAreLeftWhenItCloses() throws Exception {
    PendingCleanUps pending = pending(1_000);
    failures = 1;
    pending.add(receipts(0, 2));
    assertThat(pending.run()).isFalse();

    pending.close();
    assertThat(metrics.count("cleanUpsAbandoned")).isEqualTo(2);
  }

  private PendingCleanUps pending(long maxSpans) {
    return new PendingCleanUps(
        group -> {
          if (failedStarts-- > 0) {
            throw new IOException("not there, on purpose");
          }
          return new Recording();
        },
        metrics,
        maxSpans);
  }

  private static EncodedItems<Receipt> receipts(long from, long to) throws IOException {
    return TestParts.receipts(LongStream.range(from, to));
  }

  private final class Recording implements CleanUp {
    @Override
    public void cleanUp(List<Receipt> receipts) throws IOException {
      if (superseded) {
        throw new IllegalStateException("superseded by another job, on purpose");
      }
      List<Long> numbers = receipts.stream().map(Receipt::segmentId).toList();
      if (failures-- > 0 || numbers.contains(failsOn)) {
        throw new IOException("not now, on purpose");
      }
      cleaned.addAll(numbers);
    }

    @Override
    public void close() {}
  }
}

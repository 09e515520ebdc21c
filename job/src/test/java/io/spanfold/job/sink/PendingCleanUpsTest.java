package io.spanfold.job.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.embedded.Await;
import io.spanfold.job.resource.TaskAttempt;
import io.spanfold.job.serialization.StateType;
import io.spanfold.job.sink.PendingCleanUps.Limits;
import io.spanfold.job.sink.SegmentStrategy.CleanUp;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.util.FlinkRuntimeException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PendingCleanUpsTest {

  private static final Duration LONG = Duration.ofMinutes(5);
  private static final Duration SHORT = Duration.ofMillis(1);

  private final CountingMetrics metrics = new CountingMetrics();
  private final Queue<Long> cleaned = new ConcurrentLinkedQueue<>();
  private final Queue<Integer> calls = new ConcurrentLinkedQueue<>();
  private final CountDownLatch closed = new CountDownLatch(1);

  /** The calls that have begun, and those that may go on. */
  private final Semaphore begun = new Semaphore(0);

  private final Semaphore allowed = new Semaphore(1_000_000);

  private final AtomicInteger failures = new AtomicInteger();
  private final AtomicInteger failedStarts = new AtomicInteger();
  private volatile long failsOn = -1;
  private volatile RuntimeException superseded;
  private PendingCleanUps pending;

  @AfterEach
  void close() {
    allowed.release(1_000);
    pending.close();
  }

  @Test
  void cleansUpInOrderAndKeepsNothing() throws Exception {
    start(1_000);
    pending.add(receipts(0, 3));
    pending.add(receipts(3, 4));
    pending.finish();

    assertThat(cleaned).containsExactly(0L, 1L, 2L, 3L);
    assertThat(metrics.count("cleanUpsDone")).isEqualTo(4);
    pending.close();
    assertThat(metrics.count("cleanUpsAbandoned")).isZero();
  }

  @Test
  void triesAFailedCleanUpAgainWithoutAFurtherCommit() throws Exception {
    start(1_000);
    failures.set(3);
    failedStarts.set(2);
    pending.add(receipts(0, 2));
    pending.finish();

    assertThat(cleaned).containsExactly(0L, 1L);
    assertThat(metrics.count("cleanUpsFailed")).isEqualTo(5);
  }

  @Test
  void keepsTheOrderIfMoreIsCommittedWhileItFails() throws Exception {
    start(1_000_000);
    allowed.drainPermits();
    failures.set(1);
    pending.add(receipts(0, 2));
    begun.acquire();
    pending.add(receipts(2, 4));
    allowed.release(1_000);
    pending.finish();

    assertThat(cleaned).containsExactly(0L, 1L, 2L, 3L);
  }

  @Test
  void keepsTheProgressMadeBeforeAFailure() throws Exception {
    start(10_000_000);
    failsOn = 6_000;
    failures.set(4);
    pending.add(receipts(0, 10_000));
    pending.finish();

    assertThat(cleaned).containsExactlyElementsOf(LongStream.range(0, 10_000).boxed().toList());
    assertThat(calls).containsExactly(4_000, 4_000, 4_000, 4_000, 4_000, 4_000, 2_000);
  }

  @Test
  void cutsACallBySpansToo() throws Exception {
    start(10_000_000);
    Receipt one = TestParts.receipt(1);
    Receipt large = new Receipt(one.request(), one.chunkBytes(), one.flushIds(), new long[30_000]);
    pending.add(EncodedItems.of(StateType.RECEIPT, List.of(large, large, large, one)));
    pending.finish();

    assertThat(calls).containsExactly(2, 2);
  }

  @Test
  void aCleanUpThatHangsHoldsUpNoCommit() throws Exception {
    start(10_000_000);
    allowed.drainPermits();
    pending.add(receipts(0, 1));
    begun.acquire();
    for (int i = 1; i < 100; i++) {
      pending.add(receipts(i, i + 1)); // returns
    }
    assertThat(cleaned).isEmpty();

    allowed.release(1_000);
    pending.finish();
    assertThat(cleaned).containsExactlyElementsOf(LongStream.range(0, 100).boxed().toList());
  }

  /** The checkpoint carries it. */
  @Test
  void theWriterOfItsTaskSeesWhatIsLeft() throws Exception {
    start(10_000_000);
    allowed.drainPermits();
    pending.add(receipts(0, 6_000));
    begun.acquire();
    pending.add(receipts(6_000, 6_002));
    assertThat(carried()).isEqualTo(LongStream.range(0, 6_002).boxed().toList());
    assertThat(carried()).as("again before the next commit").isEmpty();

    allowed.release();
    begun.acquire();
    pending.add(receipts(0, 0));
    assertThat(carried()).isEqualTo(LongStream.range(4_000, 6_002).boxed().toList());

    allowed.release(1_000);
    pending.finish();
    pending.add(receipts(0, 0));
    assertThat(carried()).isEmpty();
  }

  @Test
  void theWriterOfItsTaskSeesOnceWhatIsTriedAgain() throws Exception {
    pending =
        new PendingCleanUps(
            group -> new Recording(), metrics, new Limits(1_000_000, LONG, LONG, LONG));
    failures.set(1);
    pending.add(receipts(0, 2));
    Await.until(() -> metrics.count("cleanUpsFailed") == 1);
    assertThat(carried()).containsExactly(0L, 1L);

    pending.close();
    pending.add(receipts(0, 0));
    assertThat(carried()).as("of a task that has ended").isEmpty();
  }

  private List<Long> carried() {
    return PendingCleanUps.carry(TaskAttempt.id(metrics)).stream()
        .flatMap(EncodedItems::stream)
        .map(Receipt::segmentId)
        .toList();
  }

  @Test
  void cleansUpACommitThatIsLargerThanTheBound() throws Exception {
    start(5);
    pending.add(receipts(0, 8));
    pending.finish();

    assertThat(cleaned).hasSize(8);
    assertThat(metrics.count("cleanUpsAbandoned")).isZero();
  }

  @Test
  void leavesTheOldestToTheirTtlIfItFallsTooFarBehind() throws Exception {
    start(receipts(100, 104).length() * 2L);
    allowed.drainPermits();
    pending.add(receipts(100, 104));
    begun.acquire();
    pending.add(receipts(104, 108));
    pending.add(receipts(108, 112));
    assertThat(metrics.count("cleanUpsAbandoned")).isZero();
    pending.add(receipts(112, 116));
    assertThat(metrics.count("cleanUpsAbandoned")).isEqualTo(4);

    allowed.release(1_000);
    pending.finish();
    assertThat(cleaned)
        .containsExactlyElementsOf(
            Stream.of(LongStream.range(100, 104), LongStream.range(108, 116))
                .flatMap(LongStream::boxed)
                .toList());
  }

  @Test
  void leavesWhatFailsToItsTtlIfMoreIsCommitted() throws Exception {
    start(receipts(100, 104).length());
    failsOn = 100;
    failures.set(Integer.MAX_VALUE);
    pending.add(receipts(100, 104));
    begun.acquire();
    pending.add(receipts(104, 108));
    pending.finish();

    assertThat(cleaned).containsExactly(104L, 105L, 106L, 107L);
    assertThat(metrics.count("cleanUpsAbandoned")).isEqualTo(4);
  }

  @Test
  void theEndOfTheInputAndTheNextCommitFailIfAnotherJobHasTakenOver() throws Exception {
    start(1_000);
    superseded = new SuppressRestartsException(new IllegalStateException("another job"));
    pending.add(receipts(0, 2));

    assertThatExceptionOfType(FlinkRuntimeException.class)
        .isThrownBy(pending::finish)
        .withCauseInstanceOf(SuppressRestartsException.class);
    assertThatExceptionOfType(FlinkRuntimeException.class)
        .isThrownBy(() -> pending.add(receipts(2, 3)))
        .withCauseInstanceOf(SuppressRestartsException.class);
    assertThat(cleaned).isEmpty();
  }

  @Test
  void theEndOfTheInputWaitsForABoundedTime() throws Exception {
    pending =
        new PendingCleanUps(group -> new Recording(), metrics, new Limits(9, LONG, SHORT, SHORT));
    allowed.drainPermits();
    pending.add(receipts(0, 2));
    begun.acquire();
    pending.finish();

    assertThat(cleaned).isEmpty();
  }

  @Test
  void theEndOfTheInputWaitsForAsLongAsThereIsProgress() throws Exception {
    pending =
        new PendingCleanUps(
            group -> new Recording(),
            metrics,
            new Limits(1_000_000, LONG, Duration.ofSeconds(2), SHORT));
    allowed.drainPermits();
    for (int i = 0; i < 6; i++) {
      pending.add(receipts(i, i + 1));
    }
    // Together they take longer than the limit.
    ScheduledExecutorService slow = Executors.newSingleThreadScheduledExecutor();
    slow.scheduleAtFixedRate(allowed::release, 500, 500, TimeUnit.MILLISECONDS);
    pending.finish();
    slow.shutdownNow();

    assertThat(cleaned).hasSize(6);
  }

  @Test
  void closesAtOnceWhileACleanUpHangs() throws Exception {
    start(1_000_000);
    allowed.drainPermits();
    pending.add(receipts(0, 2));
    begun.acquire();
    pending.add(receipts(2, 5));
    pending.close();

    closed.await();
    assertThat(cleaned).isEmpty();
  }

  @Test
  void closesAfterWhatIsPendingIfThatIsQuick() throws Exception {
    pending =
        new PendingCleanUps(
            group -> new Recording(), metrics, new Limits(1_000_000, LONG, LONG, LONG));
    pending.add(receipts(0, 2));
    pending.add(receipts(2, 4_000));
    pending.close();

    assertThat(cleaned).hasSize(4_000);
    assertThat(metrics.count("cleanUpsAbandoned")).isZero();
  }

  @Test
  void closesAtOnceBetweenTwoTries() throws Exception {
    pending =
        new PendingCleanUps(
            group -> new Recording(), metrics, new Limits(1_000_000, LONG, LONG, LONG));
    failures.set(Integer.MAX_VALUE);
    pending.add(receipts(0, 2));
    begun.acquire();
    pending.close();

    closed.await();
    assertThat(cleaned).isEmpty();
  }

  private void start(long maxBytes) {
    pending =
        new PendingCleanUps(
            group -> {
              if (failedStarts.getAndDecrement() > 0) {
                throw new IOException("not there, on purpose");
              }
              return new Recording();
            },
            metrics,
            new Limits(maxBytes, SHORT, LONG, SHORT));
  }

  private static EncodedItems<Receipt> receipts(long from, long to) throws IOException {
    return TestParts.receipts(LongStream.range(from, to));
  }

  private final class Recording implements CleanUp {
    @Override
    public void cleanUp(List<Receipt> receipts) throws IOException, InterruptedException {
      begun.release();
      allowed.acquire();
      if (superseded != null) {
        throw superseded;
      }
      calls.add(receipts.size());
      List<Long> numbers = receipts.stream().map(Receipt::segmentId).toList();
      if ((failsOn < 0 || numbers.contains(failsOn)) && failures.getAndDecrement() > 0) {
        throw new IOException("not now, on purpose");
      }
      cleaned.addAll(numbers);
    }

    @Override
    public void close() {
      closed.countDown();
    }
  }
}

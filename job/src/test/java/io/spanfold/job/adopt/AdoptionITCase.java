package io.spanfold.job.adopt;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.SegmentStore;
import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.orphan.OrphanedBuffer;
import io.spanfold.buffer.orphan.OrphanedTrace;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.core.batch.SubsegmentGrouping;
import io.spanfold.core.format.RejectedRecordException;
import io.spanfold.core.format.SpanParser;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.Await;
import io.spanfold.job.lease.Lease;
import io.spanfold.job.lease.TaskMetrics;
import io.spanfold.testing.RedisUnderTest;
import io.spanfold.testing.SpanRecords;
import io.spanfold.testing.Spans;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;

/** The order in which an adoption emits and removes traces. */
@Timeout(60)
class AdoptionITCase {

  private static final int TRACES = 3_000;
  private static final long NOW = 7_000;

  @TempDir static Path directory;
  private static RedisUnderTest redis;

  private final List<Span> spans = new CopyOnWriteArrayList<>();
  private final List<OrphanedTrace> emitted = new CopyOnWriteArrayList<>();

  private Lease lease;
  private OrphanedBuffer buffer;
  private Adoption adoption;
  private Thread thread;

  @BeforeAll
  static void start() {
    redis = RedisUnderTest.start(directory);
  }

  @AfterAll
  static void stop() {
    redis.close();
  }

  @BeforeEach
  void open() throws InterruptedException {
    lease = lease(0);
    buffer = OrphanedBuffer.connect(settings());
  }

  @AfterEach
  void close() throws InterruptedException {
    thread.interrupt();
    thread.join();
    buffer.close();
    lease.close();
    try (Jedis node = new Jedis(redis.uri())) {
      node.flushAll();
    }
  }

  @Test
  void removesTracesOnlyAfterACheckpointAndEndsWhenNoneIsLeft() throws Exception {
    write(10);
    buffer.quarantine();
    adopt(Long.MAX_VALUE);
    awaitEmitted(10);
    assertThat(spans).hasSize(20).allMatch(span -> span.timestamp() == NOW);
    assertThat(emitted).hasSize(10);
    assertThat(quarantined()).isEqualTo(10);

    adoption.covered(List.copyOf(emitted.subList(0, 4)));
    Await.until(() -> quarantined() == 6);
    adoption.covered(List.copyOf(emitted.subList(4, 10)));
    thread.join();
    assertThat(quarantined()).isZero();
    assertThat(spans).hasSize(20);
  }

  @Test
  void emitsAgainAfterAFailureWithoutACheckpoint() throws Exception {
    write(10);
    buffer.quarantine();
    adopt(Long.MAX_VALUE);
    awaitEmitted(10);
    List<OrphanedTrace> held = List.copyOf(emitted.subList(0, 4));
    adoption.covered(held);
    Await.until(() -> quarantined() == 6);
    thread.interrupt();
    thread.join();
    Set<Long> offsets = spans.stream().map(Span::offset).collect(Collectors.toSet());
    spans.clear();
    emitted.clear();

    lease.close();
    lease = lease(1);
    adopt(Long.MAX_VALUE);
    awaitEmitted(6);
    // Subsegments of equal ids would be cleaned up as duplicates of those in state.
    assertThat(spans).hasSize(12).noneMatch(span -> offsets.contains(span.offset()));
    assertThat(emitted).hasSize(6).doesNotContainAnyElementsOf(held);
  }

  @Test
  void waitsForACheckpointEvenIfThereIsNothing() throws Exception {
    buffer.quarantine();
    adopt(Long.MAX_VALUE);
    awaitEmitted(0);
    adoption.covered(List.of());
    thread.join();
    assertThat(spans).isEmpty();
  }

  @Test
  void limitsWhatIsEmittedAheadOfCheckpoints() throws Exception {
    write(TRACES);
    buffer.quarantine();
    adopt(1);
    awaitEmitted(1);
    assertThat(emitted).hasSizeLessThan(TRACES);
    while (quarantined() > 0) {
      int before = emitted.size();
      adoption.covered(List.copyOf(emitted));
      Await.until(() -> emitted.size() > before || quarantined() == 0);
    }
    assertThat(spans).hasSize(2 * TRACES);
    assertThat(emitted).hasSize(TRACES);
  }

  private static Lease lease(int attempt) throws InterruptedException {
    Lease lease =
        Lease.open(
            LeaseSettings.of(settings().redis(), "test"), TaskMetrics.of("job", "a", attempt));
    lease.confirm();
    return lease;
  }

  private void adopt(long maxPending) {
    adoption =
        new Adoption(
            buffer,
            lease,
            maxPending,
            () -> NOW,
            new Adoption.Output() {
              @Override
              public void emit(List<Span> of) {
                spans.addAll(of);
              }

              @Override
              public void emitted(List<OrphanedTrace> traces, OrphanedBuffer.Contents contents) {
                emitted.addAll(traces);
              }
            });
    thread =
        new Thread(
            () -> {
              try {
                adoption.run();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    thread.start();
  }

  /**
   * Waits until {@code count} traces were emitted and the adoption needs a checkpoint to continue.
   */
  private void awaitEmitted(int count) throws InterruptedException {
    Await.until(() -> emitted.size() >= count && thread.getState() == Thread.State.WAITING);
  }

  private static long quarantined() {
    try (Jedis node = new Jedis(redis.uri())) {
      return node.keys(RedisKeys.QUARANTINED_TRACES + "*").stream()
          // The sentinel is no trace.
          .mapToLong(key -> node.hlen(key) - (node.hexists(key, "") ? 1 : 0))
          .sum();
    }
  }

  /** Writes traces of a root and a child each. */
  private void write(int traces) throws RejectedRecordException {
    SubsegmentGrouping grouping =
        new SubsegmentGrouping(1_000, 1_000_000, settings().phase().layouts());
    List<TraceSpans> all = new ArrayList<>();
    for (int i = 0; i < traces; i++) {
      TraceKey trace = new TraceKey(42, 1, i);
      // No two spans of a source have the same position: ids of payloads are made of them.
      List<Span> spansOf =
          List.of(
              parsed(Spans.root(trace, 1, 1_000, 2L * i)),
              parsed(Spans.child(trace, 2, 1, 1_000, 2L * i + 1)));
      all.add(grouping.group(trace, spansOf));
    }
    try (SegmentStore store = SegmentStore.connect(settings())) {
      store.write(new SpanBatch(all).in(new Generation(1, 0)));
    }
  }

  private static Span parsed(Span span) throws RejectedRecordException {
    return new SpanParser(10_000)
        .parse(SpanRecords.json(span).getBytes(UTF_8), 1_000, 0, span.offset());
  }

  private static StoreSettings settings() {
    return StoreSettings.of(List.of(redis.uri()));
  }
}

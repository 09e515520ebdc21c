package io.spanfold.job.flush;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.SegmentStore;
import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.core.batch.SubsegmentGrouping;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.segment.PartBuilder;
import io.spanfold.embedded.RedisNode;
import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import io.spanfold.job.lease.Lease;
import io.spanfold.job.lease.TaskMetrics;
import io.spanfold.job.recovery.PayloadRecoverySettings;
import io.spanfold.testing.Spans;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;

/** A stored subsegment of duplicates, from the flush to the clean-up after the commit. */
@Timeout(60)
class DiscardITCase {

  private static final Duration LOCK_TTL = Duration.ofMinutes(5);
  private static final Duration LEASE_TIMEOUT = Duration.ofSeconds(5);
  private static final TraceKey TRACE = new TraceKey(1, 2, 3);

  @TempDir Path directory;
  private RedisNode redis;
  private StoreSettings settings;
  private SegmentStore store;
  private Lease lease;
  private PartFlusher flusher;

  @BeforeEach
  void start() throws Exception {
    redis = RedisNode.start(RedisNode.Options.in(directory));
    settings = StoreSettings.of(List.of(redis.uri()));
    store = SegmentStore.connect(settings);
    lease = Lease.open(LeaseSettings.of(settings.redis(), "main"), TaskMetrics.of("job", "a", 0));
    FlushSettings flush =
        new FlushSettings(
            settings,
            LeaseSettings.of(settings.redis(), "main"),
            LOCK_TTL,
            new PayloadRecoverySettings(
                new KafkaSettings("localhost:1", Map.of()), "spans", LEASE_TIMEOUT));
    flusher = PartFlusher.open(flush, TaskMetrics.of("job", "a", 0), Clock.systemUTC());
  }

  @AfterEach
  void stop() {
    flusher.close();
    lease.close();
    store.close();
    redis.close();
  }

  @Test
  void itsPayloadAndIndexEntryAreDeletedByTheCleanUpAndNotBefore() throws Exception {
    Discard discard = new Discard(TRACE, store(Spans.root(TRACE, 7, 0, 0)), 0);
    lease.confirm();
    Set<String> stored = keys();

    FlushedPart flushed = flush(List.of(discard)).get(0);
    assertThat(flushed.messages()).isEmpty();
    assertThat(flushed.outcomes()).isEmpty();
    assertThat(keys()).as("neither deleted nor locked").isEqualTo(stored);

    new StoreCleanUp(store, lease, LEASE_TIMEOUT).cleanUp(List.of(flushed.receipt()));
    assertThat(keys()).containsExactlyInAnyOrder("span-buf:lease", "span-buf:buckets");
  }

  @Test
  void aPartOfTheSameSegmentKeepsItsPayload() throws Exception {
    Subsegment kept = store(Spans.root(TRACE, 7, 0, 0));
    Discard discard = new Discard(TRACE, store(Spans.root(TRACE, 7, 0, 1)), 0);

    FlushedPart flushed = flush(List.of(discard)).get(0);
    new StoreCleanUp(store, lease, LEASE_TIMEOUT).cleanUp(List.of(flushed.receipt()));

    assertThat(flush(List.of(part(kept))).get(0).receipt().spanIds()).containsExactly(7);
  }

  /**
   * Otherwise it could be committed, and its payload deleted, while the part is still to be loaded.
   */
  @Test
  void itIsEmittedAfterThePartsThatWereDueBefore() throws Exception {
    Subsegment shared = store(Spans.root(TRACE, 7, 0, 0), Spans.root(TRACE, 7, 0, 1));
    DuePart part =
        new DuePart(
            TRACE,
            7,
            0,
            FlushReason.IDLE,
            0,
            false,
            List.of(new Slice(shared, new int[] {0}, false)));

    List<FlushedPart> flushed = flush(List.of(part, new Discard(TRACE, shared, 0)));

    assertThat(flushed.get(0).receipt().request()).isEqualTo(part);
    assertThat(flushed.get(0).receipt().subsegments()).isEmpty();
    assertThat(flushed.get(1).receipt().subsegments()).containsExactly(shared);
  }

  private List<FlushedPart> flush(List<FlushRequest> requests) throws InterruptedException {
    List<FlushedPart> flushed = new ArrayList<>();
    flusher.flush(
        requests,
        new PartBuilder(1 << 20, Clock.systemUTC()),
        (request, part) -> flushed.add(part));
    return flushed;
  }

  private static DuePart part(Subsegment subsegment) {
    return new DuePart(
        TRACE, 7, 0, FlushReason.IDLE, 0, false, List.of(new Slice(subsegment, null, true)));
  }

  private Subsegment store(Span... spans) {
    SubsegmentGrouping grouping =
        new SubsegmentGrouping(10_000, Long.MAX_VALUE, settings.phase().layouts());
    SpanBatch batch = new SpanBatch(List.of(grouping.group(TRACE, List.of(spans))));
    return store.write(batch.in(new Generation(1, 1))).get(0).subsegments().get(0);
  }

  private Set<String> keys() {
    try (Jedis jedis = redis.connect()) {
      Set<String> keys = jedis.keys("*");
      keys.removeIf(key -> key.startsWith("span-buf:dict"));
      return keys;
    }
  }
}

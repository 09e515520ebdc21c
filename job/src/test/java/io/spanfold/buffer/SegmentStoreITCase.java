package io.spanfold.buffer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.spanfold.buffer.index.BucketTags;
import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.layout.DistributedLayout;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.buffer.layout.SmallLayout;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Login;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.testing.Receipts;
import io.spanfold.testing.Shares.Part;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import redis.clients.jedis.Jedis;

/** What the store writes, loads and removes, and how many calls that takes. */
class SegmentStoreITCase extends StoreUnderTest {

  @ParameterizedTest
  @EnumSource
  void loadsThePayloadsItWroteAndLeavesNothing(Servers servers) {
    try (SegmentStore store = SegmentStore.connect(servers.settings())) {
      SpanBatch batch = batch(200);
      List<StoredTrace> stored = store.write(batch.in(new Generation(EPOCH, CHECKPOINT)));
      assertThat(stored).hasSize(200);
      assertThat(stored.get(0).subsegments())
          .allSatisfy(
              subsegment -> {
                assertThat(subsegment.layouts()).isEqualTo(DistributedLayout.BIT);
                assertThat(subsegment.storedBytes()).isPositive();
              });
      assertThat(stored.get(1).subsegments())
          .allSatisfy(
              subsegment -> {
                assertThat(subsegment.layouts()).isEqualTo(SmallLayout.BIT);
                assertThat(subsegment.storedBytes()).isPositive();
              });
      assertLoaded(store.load(candidates(stored)), batch);
      // Again: a part may be flushed again after a failure.
      assertThat(store.write(batch.in(new Generation(EPOCH, CHECKPOINT)))).hasSize(200);
      store.cleanUp(receipts(stored, batch), OWNER);
      assertThat(keys(servers)).isZero();
      store.cleanUp(receipts(stored, batch), OWNER);
      assertThat(keys(servers)).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource
  void cleansUpSubsegmentsBelowASpanThatWasCleanedUpBefore(Servers servers) {
    try (SegmentStore store = SegmentStore.connect(servers.settings())) {
      TraceKey trace = new TraceKey(1, 2, 3);
      SpanBatch above = new SpanBatch(List.of(of(trace, unstored(50, true, 50, 100))));
      SpanBatch below = new SpanBatch(List.of(of(trace, unstored(100, false, 200))));
      List<StoredTrace> storedAbove = store.write(above.in(new Generation(EPOCH, CHECKPOINT)));
      List<StoredTrace> storedBelow = store.write(below.in(new Generation(EPOCH, CHECKPOINT)));
      store.cleanUp(receipts(storedAbove, above), OWNER);
      store.cleanUp(receipts(storedBelow, below), OWNER);
      assertThat(keys(servers)).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource
  void spreadsOneTraceOverTheNodes(Servers servers) {
    try (SegmentStore store = SegmentStore.connect(servers.settings())) {
      for (int i = 0; i < 30; i++) {
        store.write(batch(1).in(new Generation(EPOCH, CHECKPOINT)));
      }
      assertThat(servers.nodes()).allSatisfy(node -> assertThat(keysOf(node)).isPositive());
    }
  }

  /** A process that dies in between would leave a payload that nothing finds. */
  @Test
  void aPayloadWithAKeyOfItsOwnIsStoredOnlyAfterItIsInTheIndex() {
    SpanBatch batch = batch(1).in(new Generation(EPOCH, CHECKPOINT));
    TraceKey trace = batch.traces().get(0).trace();
    BucketTags tags = new BucketTags(Buckets.DEFAULT);
    try (SegmentStore store = SegmentStore.connect(Servers.ONE.settings());
        Jedis jedis = single.connect()) {
      jedis.set(RedisKeys.traces(tags.of(trace)), "no hash");
      assertThatExceptionOfType(StoreException.class)
          .isThrownBy(() -> store.write(batch))
          .withMessageContaining("WRONGTYPE");
      assertThat(jedis.keys("*" + trace.traceId() + "*")).isEmpty();

      jedis.del(RedisKeys.traces(tags.of(trace)));
      store.write(batch);
      assertThat(jedis.keys("*" + trace.traceId() + "*")).hasSize(SUBSEGMENTS);
    }
  }

  @Test
  void aSmallPayloadStaysUntilTheLastOfItsSubsegmentsIsCleanedUp() {
    try (SegmentStore store = SegmentStore.connect(Servers.ONE.settings())) {
      TraceKey trace = new TraceKey(1, 2, 3);
      SpanBatch batch =
          new SpanBatch(List.of(of(trace, unstored(50, true, 50), unstored(60, true, 60))));
      List<StoredTrace> stored = store.write(batch.in(new Generation(EPOCH, CHECKPOINT)));
      Subsegment first = stored.get(0).subsegments().get(0);
      Subsegment second = stored.get(0).subsegments().get(1);
      assertThat(first.small().sharesPayload(second.small())).isTrue();
      Receipt receipt = Receipts.of(trace, 50, List.of(first), new long[] {50});
      for (int i = 0; i < 2; i++) {
        store.cleanUp(List.of(receipt), OWNER);
        assertThat(store.load(candidates(stored)).get(0).slices().get(1).frames())
            .isEqualTo(batch.traces().get(0).frames(batch.traces().get(0).subsegments().get(1)));
      }
      store.cleanUp(List.of(Receipts.of(trace, 60, List.of(second), new long[] {60})), OWNER);
      assertThat(keys(Servers.ONE)).isZero();
    }
  }

  /** After a restore, a subsegment may come again together with others than before. */
  @Test
  void aSubsegmentThatIsWrittenAgainIsReadWhereItWasWrittenLast() {
    try (SegmentStore store = SegmentStore.connect(Servers.ONE.settings())) {
      TraceKey trace = new TraceKey(1, 2, 3);
      Part shared = unstored(50, true, 50);
      Part before = unstored(60, true, 60);
      Part after = unstored(70, true, 70);
      store.write(
          new SpanBatch(List.of(of(trace, before, shared))).in(new Generation(EPOCH, CHECKPOINT)));
      SpanBatch again = new SpanBatch(List.of(of(trace, shared, after)));
      List<StoredTrace> stored = store.write(again.in(new Generation(EPOCH + 1, CHECKPOINT)));
      Subsegment last = stored.get(0).subsegments().get(1);
      store.cleanUp(List.of(Receipts.of(trace, 70, List.of(last), new long[] {70})), OWNER);
      assertThat(store.load(candidates(stored)).get(0).slices().get(0).frames())
          .isEqualTo(shared.frames());
    }
  }

  /** Real traffic has thousands of traces in a batch, and a handful of spans in each. */
  @Test
  void aBatchCostsCallsByItsBucketsNotItsTraces() {
    try (SegmentStore store = SegmentStore.connect(Servers.ONE.settings())) {
      List<TraceSpans> traces = new ArrayList<>();
      for (int i = 0; i < 3_000; i++) {
        long root = random.nextLong();
        TraceKey trace = new TraceKey(1, random.nextLong(), random.nextLong());
        traces.add(of(trace, unstored(10, root, true, root)));
      }
      SpanBatch batch = new SpanBatch(traces);
      // Loads the scripts.
      flush(store, batch);
      onNode(single, "CONFIG RESETSTAT");
      flush(store, batch);
      try (Jedis jedis = single.connect()) {
        String statistics = jedis.info("commandstats");
        assertThat(calls("evalsha", statistics)).isEqualTo(3L * Buckets.DEFAULT_COUNT);
        // Those within the scripts, too: a bucket's payloads and its records are read and written
        // by one command each. The third HSET is that of the sentinel in an empty bucket.
        assertThat(calls("hmget", statistics)).isLessThanOrEqualTo(3L * Buckets.DEFAULT_COUNT);
        assertThat(calls("hset", statistics)).isLessThanOrEqualTo(3L * Buckets.DEFAULT_COUNT);
      }
    }
  }

  private static void flush(SegmentStore store, SpanBatch batch) {
    List<StoredTrace> stored = store.write(batch.in(new Generation(EPOCH, CHECKPOINT)));
    store.lock(candidates(stored), OWNER, Duration.ofMinutes(1));
    store.load(candidates(stored));
    store.cleanUp(receipts(stored, batch), OWNER);
  }

  private static long calls(String command, String statistics) {
    Matcher calls = Pattern.compile("cmdstat_" + command + ":calls=(\\d+)").matcher(statistics);
    return calls.find() ? Long.parseLong(calls.group(1)) : 0;
  }

  /** Whatever no clean-up names ends by itself. */
  @ParameterizedTest
  @EnumSource
  void everythingWrittenHasATtl(RolloutPhase phase) {
    StoreSettings settings =
        settings(single.uri(), Login.NONE, ConnectionSettings.Timeouts.DEFAULT, phase);
    try (SegmentStore store = SegmentStore.connect(settings);
        Jedis jedis = single.connect()) {
      store.write(batch(20).in(new Generation(EPOCH, CHECKPOINT)));
      assertThat(jedis.keys("*"))
          .isNotEmpty()
          .allSatisfy(key -> assertThat(jedis.ttl(key)).as(key).isPositive());
    }
  }

  @Test
  void aReceiptOfManySpansIsCleanedUpOnce() {
    try (SegmentStore store = SegmentStore.connect(Servers.ONE.settings())) {
      TraceKey trace = new TraceKey(1, 2, 3);
      long[] ids = LongStream.rangeClosed(1, 20_000).toArray();
      SpanBatch batch = new SpanBatch(List.of(of(trace, unstored(1, true, ids))));
      List<StoredTrace> stored = store.write(batch.in(new Generation(EPOCH, CHECKPOINT)));
      onNode(single, "CONFIG RESETSTAT");
      store.cleanUp(receipts(stored, batch), OWNER);
      try (Jedis jedis = single.connect()) {
        // One for each 4,000 spans, and then one for each 200; some lack a script at first.
        assertThat(calls("evalsha", jedis.info("commandstats"))).isBetween(106L, 120L);
      }
      assertThat(keys(Servers.ONE)).isZero();
    }
  }
}

package io.spanfold.buffer;

import static io.spanfold.buffer.redis.RedisKeys.ascii;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.spanfold.buffer.index.BucketTags;
import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.layout.DistributedLayout;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.buffer.layout.SmallLayout;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Login;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.buffer.redis.StoreRefusedException;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.Await;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import io.spanfold.testing.Receipts;
import io.spanfold.testing.Shares;
import io.spanfold.testing.Shares.Part;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import redis.clients.jedis.Jedis;

class SegmentStoreITCase {

  private static final String SECRET = "open-sesame";
  private static final int SUBSEGMENTS = 3;

  /** How many numbers a payload has, of a trace that has much in its batch and of another. */
  private static final int MUCH = 2_000;

  private static final int LITTLE = 200;
  private static final long EPOCH = 5;
  private static final long CHECKPOINT = 8;
  private static final LockOwner OWNER = new LockOwner("job", EPOCH);

  @TempDir static Path directory;
  private static RedisNode single;
  private static RedisCluster cluster;

  private final Random random = new Random(3);

  enum Servers {
    ONE,
    THREE;

    List<RedisNode> nodes() {
      return this == ONE ? List.of(single) : cluster.nodes();
    }

    StoreSettings settings() {
      // One node of a cluster is enough: the others are found.
      return SegmentStoreITCase.settings(nodes().get(0).uri());
    }
  }

  @BeforeAll
  static void start() {
    single = RedisNode.start(RedisNode.Options.in(directory.resolve("single")).withAppendOnly());
    cluster =
        RedisCluster.start(RedisNode.Options.in(directory.resolve("cluster")).withAppendOnly());
  }

  @AfterAll
  static void stop() {
    single.close();
    cluster.close();
  }

  @AfterEach
  void leaveNothing() {
    for (Servers servers : Servers.values()) {
      servers.nodes().forEach(node -> onNode(node, "FLUSHALL"));
    }
  }

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
  void whatAFullRedisRefusesAtFirstHasATtlToo() {
    try (SegmentStore store = SegmentStore.connect(Servers.ONE.settings());
        Jedis jedis = single.connect()) {
      onNode(single, "CONFIG RESETSTAT");
      jedis.configSet("maxmemory", "1");
      CompletableFuture<?> written =
          CompletableFuture.supplyAsync(
              () -> store.write(batch(20).in(new Generation(EPOCH, CHECKPOINT))));
      try {
        assertThat(
                Await.until(
                    () -> jedis.info("errorstats").contains("errorstat_OOM"),
                    Duration.ofSeconds(30)))
            .isTrue();
      } finally {
        jedis.configSet("maxmemory", "0");
      }
      written.join();
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

  @ParameterizedTest
  @EnumSource
  void recoversFromFlushedScriptsAndKilledConnections(Servers servers) {
    try (SegmentStore store = SegmentStore.connect(servers.settings())) {
      for (int i = 0; i < 5; i++) {
        servers.nodes().forEach(node -> onNode(node, "SCRIPT FLUSH"));
        SpanBatch batch = batch(50);
        List<StoredTrace> stored = store.write(batch.in(new Generation(EPOCH, CHECKPOINT)));
        servers.nodes().forEach(node -> onNode(node, "CLIENT KILL TYPE normal SKIPME yes"));
        assertLoaded(store.load(candidates(stored)), batch);
        servers.nodes().forEach(node -> onNode(node, "CLIENT KILL TYPE normal SKIPME yes"));
        servers.nodes().forEach(node -> onNode(node, "SCRIPT FLUSH"));
        store.cleanUp(receipts(stored, batch), OWNER);
        assertThat(keys(servers)).isZero();
      }
      assertThat(store.retriedCommands()).isPositive();
    }
  }

  /** Half of the bucket's keys are on one node then, and the rest on none. */
  @Test
  @Timeout(60)
  void waitsWhileTheSlotOfABucketIsMoved() throws Exception {
    TraceKey trace = new TraceKey(1, 2, 3);
    String index = RedisKeys.traces(tag(trace));
    SpanBatch large = new SpanBatch(List.of(of(trace, unstored(5 * MUCH, 50, true, 50, 100))));
    SpanBatch small = new SpanBatch(List.of(of(trace, unstored(100, false, 200))));
    try (SegmentStore store = SegmentStore.connect(Servers.THREE.settings())) {
      List<StoredTrace> storedLarge = store.write(large.in(new Generation(EPOCH, CHECKPOINT)));
      RedisNode source = nodeOf(index);
      RedisNode target =
          cluster.nodes().stream().filter(node -> node != source).findFirst().orElseThrow();
      try (Jedis from = source.connect();
          Jedis to = target.connect()) {
        int slot = (int) from.clusterKeySlot(index);
        to.clusterSetSlotImporting(slot, from.clusterMyId());
        from.clusterSetSlotMigrating(slot, to.clusterMyId());

        // There are no small payloads yet, so that their key may be at the target already.
        CompletableFuture<List<StoredTrace>> storedSmall =
            CompletableFuture.supplyAsync(
                () -> store.write(small.in(new Generation(EPOCH, CHECKPOINT))));
        Await.until(() -> store.retriedCommands() > 0 || storedSmall.isDone());
        assertThat(storedSmall).isNotDone();
        from.migrate(target.uri().getHost(), target.uri().getPort(), index, 0, 5_000);
        String moved = "CLUSTER SETSLOT %d NODE %s".formatted(slot, to.clusterMyId());
        // The new owner first, so that the slot has an owner at any time.
        onNode(target, moved);
        cluster.nodes().forEach(node -> onNode(node, moved));

        storedSmall.get();
        assertLoaded(store.load(candidates(storedLarge)), large);
        assertLoaded(store.load(candidates(storedSmall.get())), small);
        store.cleanUp(receipts(storedLarge, large), OWNER);
        store.cleanUp(receipts(storedSmall.get(), small), OWNER);
      }
      assertThat(keys(Servers.THREE)).isZero();
    }
  }

  private static RedisNode nodeOf(String key) {
    for (RedisNode node : cluster.nodes()) {
      try (Jedis jedis = node.connect()) {
        if (jedis.clusterCountKeysInSlot((int) jedis.clusterKeySlot(key)) > 0) {
          return node;
        }
      }
    }
    throw new AssertionError("no node has " + key);
  }

  @ParameterizedTest
  @EnumSource
  void waitsForANodeThatIsRestarting(Servers servers) throws Exception {
    RedisNode node = servers.nodes().get(servers.nodes().size() - 1);
    try (SegmentStore store = SegmentStore.connect(servers.settings())) {
      SpanBatch before = batch(50);
      List<StoredTrace> storedBefore = store.write(before.in(new Generation(EPOCH, CHECKPOINT)));
      node.kill();
      Thread restart = new Thread(node::restart);
      restart.start();
      SpanBatch batch = batch(50);
      List<StoredTrace> stored = store.write(batch.in(new Generation(EPOCH, CHECKPOINT)));
      restart.join(TimeUnit.SECONDS.toMillis(30));
      assertLoaded(store.load(candidates(stored)), batch);
      assertLoaded(store.load(candidates(storedBefore)), before);
    }
  }

  @Test
  void errorSaysWhatFailedWhereAndForHowLong() {
    RedisNode node = RedisNode.start(RedisNode.Options.in(directory.resolve("gone")));
    try (node;
        SegmentStore store =
            SegmentStore.connect(
                settings(
                    node.uri(),
                    Login.NONE,
                    new Timeouts(
                        Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ofMillis(300)),
                    RolloutPhase.DISTRIBUTED))) {
      node.stop();
      assertThatExceptionOfType(StoreException.class)
          .isThrownBy(() -> store.write(batch(1).in(new Generation(EPOCH, CHECKPOINT))))
          .withMessageContaining("store a batch of 1 traces")
          .withMessageContaining(node.address().toString())
          .withMessageContaining("attempts in 3");
    }
  }

  @ParameterizedTest
  @EnumSource
  void reportsMissingAndDamagedPayloadsAsLost(Servers servers) {
    try (SegmentStore store = SegmentStore.connect(servers.settings())) {
      SpanBatch batch = batch(4);
      List<StoredTrace> stored = store.write(batch.in(new Generation(EPOCH, CHECKPOINT)));
      TraceKey trace = stored.get(0).trace();
      String missing = RedisKeys.payload(trace, stored.get(0).subsegments().get(0).id());
      String damaged = RedisKeys.payload(trace, stored.get(0).subsegments().get(1).id());
      byte[] smallKey = smallKey(stored.get(1).trace());
      byte[] damagedKey = smallKey(stored.get(3).trace());
      for (RedisNode node : servers.nodes()) {
        try (Jedis jedis = node.connect()) {
          for (String key : jedis.keys("*")) {
            if (key.equals(missing)) {
              jedis.del(key);
            } else if (key.equals(damaged)) {
              jedis.setrange(key, 10, "damage");
            } else if (Arrays.equals(ascii(key), smallKey)) {
              jedis.hdel(smallKey, smallField(stored.get(1)));
            }
            if (Arrays.equals(ascii(key), damagedKey)) {
              jedis.hset(damagedKey, smallField(stored.get(3)), ascii("damage"));
            }
          }
        }
      }
      List<LoadedPart> loaded = store.load(candidates(stored));
      assertThat(loaded.get(0).slices())
          .extracting(LoadedSlice::lost)
          .containsExactly(true, true, false);
      assertThat(loaded.get(1).slices()).allMatch(LoadedSlice::lost);
      assertThat(loaded.get(2).slices()).noneMatch(LoadedSlice::lost);
      assertThat(loaded.get(3).slices()).allMatch(LoadedSlice::lost);
      store.cleanUp(receipts(stored, batch), OWNER);
      assertThat(keys(servers)).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource
  void refusesToWriteIntoAFullRedisButCleansUp(RolloutPhase phase) {
    try (RedisNode node =
            RedisNode.start(
                RedisNode.Options.in(directory.resolve("full-" + phase)).withMaxMemory(8L << 20));
        SegmentStore store =
            SegmentStore.connect(
                settings(
                    node.uri(),
                    Login.NONE,
                    new Timeouts(
                        Duration.ofSeconds(1), Duration.ofSeconds(5), Duration.ofMillis(200)),
                    phase))) {
      List<StoredTrace> stored = new ArrayList<>();
      List<Receipt> receipts = new ArrayList<>();
      assertThatExceptionOfType(StoreRefusedException.class)
          .isThrownBy(
              () -> {
                while (true) {
                  SpanBatch batch = batch(20);
                  List<StoredTrace> written =
                      store.write(batch.in(new Generation(EPOCH, CHECKPOINT)));
                  stored.addAll(written);
                  receipts.addAll(receipts(written, batch));
                }
              })
          .withMessageContaining("maxmemory");
      assertThat(stored).isNotEmpty();

      // Everything that may be freed is freed, even if only a clean-up can free it.
      try (Jedis jedis = node.connect()) {
        jedis.configSet("maxmemory", "1mb");
      }
      assertThat(store.load(candidates(stored.subList(0, 5)))).hasSize(5);
      List<Subsegment> two = receipts.get(0).subsegments().subList(0, 2);
      Receipt whole = receipts.get(0);
      // A part of a segment, too: the remaining count is decremented, which is a write.
      store.cleanUp(
          List.of(Receipts.of(whole.trace(), whole.segmentId(), two, new long[0])), OWNER);
      List<LoadedSlice> left = store.load(candidates(stored.subList(0, 1))).get(0).slices();
      assertThat(left.get(2).lost()).isFalse();
      store.cleanUp(receipts, OWNER);
      for (RedisKeyCount kind : RedisKeyCount.values()) {
        assertThat(kind.in(node)).as("of the refused batch only: " + kind).isLessThanOrEqualTo(60);
      }
    }
  }

  @Test
  void logsInAndKeepsTheSecret() {
    try (RedisNode node =
        RedisNode.start(RedisNode.Options.in(directory.resolve("secret")).withPassword(SECRET))) {
      StoreSettings right = settings(node.uri(), new Login(null, SECRET));
      assertThat(right.toString()).doesNotContain(SECRET).contains("***");
      try (SegmentStore store = SegmentStore.connect(right)) {
        assertThat(store.write(batch(1).in(new Generation(EPOCH, CHECKPOINT)))).hasSize(1);
      }
      for (StoreSettings wrong :
          List.of(
              settings(node.uri()),
              settings(node.uri(), new Login(null, SECRET + "!")),
              settings(node.uri(), new Login("nobody", SECRET)))) {
        assertThatExceptionOfType(StoreException.class)
            .isThrownBy(() -> SegmentStore.connect(wrong).close())
            .satisfies(
                e -> {
                  for (Throwable at = e; at != null; at = at.getCause()) {
                    assertThat(String.valueOf(at)).doesNotContain(SECRET);
                  }
                })
            .withMessageContaining("password")
            .withMessageContaining("after 1 attempts");
      }
    }
  }

  @Test
  void refusesSeveralNodesThatAreNoCluster() {
    StoreSettings settings = StoreSettings.of(List.of(single.uri(), single.uri()));
    assertThatExceptionOfType(StoreException.class)
        .isThrownBy(() -> SegmentStore.connect(settings).close())
        .withMessageContaining("not part of a cluster");
  }

  private static StoreSettings settings(URI uri) {
    return settings(uri, Login.NONE);
  }

  private static StoreSettings settings(URI uri, Login login) {
    Timeouts timeouts =
        new Timeouts(Duration.ofSeconds(2), Duration.ofSeconds(5), Duration.ofSeconds(30));
    return settings(uri, login, timeouts, RolloutPhase.DISTRIBUTED);
  }

  private static StoreSettings settings(
      URI uri, Login login, Timeouts timeouts, RolloutPhase phase) {
    return new StoreSettings(
        new ConnectionSettings(List.of(uri), login, null, timeouts),
        Duration.ofHours(24),
        0,
        true,
        phase,
        Buckets.DEFAULT);
  }

  /**
   * Returns a batch of traces of which every other one, beginning with the first, has large
   * payloads.
   */
  private SpanBatch batch(int traces) {
    List<TraceSpans> all = new ArrayList<>();
    for (int i = 0; i < traces; i++) {
      TraceKey trace = new TraceKey(random.nextInt(100), random.nextLong(), random.nextLong());
      long root = random.nextLong();
      List<Part> subsegments = new ArrayList<>();
      for (int j = 0; j < SUBSEGMENTS; j++) {
        long[] ids = j == 0 ? new long[] {root, random.nextLong()} : random.longs(2).toArray();
        subsegments.add(unstored(i % 2 == 0 ? MUCH : LITTLE, root, j == 0, ids));
      }
      all.add(of(trace, subsegments.toArray(Part[]::new)));
    }
    return new SpanBatch(all);
  }

  private static TraceSpans of(TraceKey trace, Part... subsegments) {
    return Shares.of(trace, 0, List.of(subsegments));
  }

  private Part unstored(long parent, boolean root, long... ids) {
    return unstored(LITTLE, parent, root, ids);
  }

  private Part unstored(int numbers, long parent, boolean root, long... ids) {
    byte[] payload = Long.toString(random.nextLong()).repeat(numbers).getBytes(UTF_8);
    return new Part(random.nextLong(), parent, root, ids, payload);
  }

  private static String tag(TraceKey trace) {
    return Buckets.DEFAULT.tag(Buckets.DEFAULT.of(trace));
  }

  private static byte[] smallKey(TraceKey trace) {
    return ascii(RedisKeys.smallPayloads(tag(trace), EPOCH, CHECKPOINT));
  }

  private static byte[] smallField(StoredTrace trace) {
    SmallPayload small = trace.subsegments().get(0).small();
    return ByteBuffer.allocate(Long.BYTES).putLong(small.id()).array();
  }

  /** What Redis holds of traces. */
  private enum RedisKeyCount {
    TRACES("t", true),
    SMALL_PAYLOADS("p", true),
    PAYLOADS("s", false),
    LARGE_TRACES("x", false),
    MERGED_SETS("m", false);

    private final String letter;
    private final boolean fields;

    RedisKeyCount(String letter, boolean fields) {
      this.letter = letter;
      this.fields = fields;
    }

    /** Counts keys, or fields other than sentinels. */
    long in(RedisNode node) {
      try (Jedis jedis = node.connect()) {
        Set<String> keys = jedis.keys(RedisKeys.PREFIX + letter + ":*");
        return fields
            ? keys.stream()
                .mapToLong(key -> jedis.hlen(key) - (jedis.hexists(key, "") ? 1 : 0))
                .sum()
            : keys.size();
      }
    }
  }

  private static List<DuePart> candidates(List<StoredTrace> stored) {
    return stored.stream()
        .map(
            trace ->
                new DuePart(
                    trace.trace(),
                    trace.subsegments().get(0).parentId(),
                    0,
                    FlushReason.IDLE,
                    0,
                    false,
                    trace.subsegments().stream()
                        .map(subsegment -> new DuePart.Slice(subsegment, null, true))
                        .toList()))
        .toList();
  }

  private static List<Receipt> receipts(List<StoredTrace> stored, SpanBatch batch) {
    List<Receipt> receipts = new ArrayList<>();
    for (int i = 0; i < stored.size(); i++) {
      StoredTrace trace = stored.get(i);
      receipts.add(
          Receipts.of(
              trace.trace(),
              trace.subsegments().get(0).parentId(),
              trace.subsegments(),
              batch.traces().get(i).subsegments().stream()
                  .flatMapToLong(unstored -> Arrays.stream(unstored.spanIds()))
                  .toArray()));
    }
    return receipts;
  }

  private static void assertLoaded(List<LoadedPart> loaded, SpanBatch batch) {
    assertThat(loaded).hasSameSizeAs(batch.traces());
    for (int i = 0; i < loaded.size(); i++) {
      List<UnstoredSubsegment> given = batch.traces().get(i).subsegments();
      for (int j = 0; j < given.size(); j++) {
        assertThat(loaded.get(i).slices().get(j).frames())
            .isEqualTo(batch.traces().get(i).frames(given.get(j)));
      }
    }
  }

  private static long keys(Servers servers) {
    return servers.nodes().stream().mapToLong(SegmentStoreITCase::keysOf).sum();
  }

  private static long keysOf(RedisNode node) {
    try (Jedis jedis = node.connect()) {
      Set<String> keys = jedis.keys("*");
      keys.removeIf(
          key -> key.equals(RedisKeys.BUCKETS) || key.startsWith(RedisKeys.CURRENT_DICTIONARY));
      return keys.size();
    }
  }

  private static void onNode(RedisNode node, String command) {
    String[] words = command.split(" ");
    try (Jedis jedis = node.connect()) {
      jedis.sendCommand(() -> words[0].getBytes(UTF_8), Arrays.copyOfRange(words, 1, words.length));
    }
  }
}

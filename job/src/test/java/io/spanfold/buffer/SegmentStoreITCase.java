package io.spanfold.buffer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.spanfold.buffer.layout.DistributedLayout;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.buffer.layout.SmallLayout;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Login;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.buffer.redis.StoreFullException;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.SpanColumns;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import io.spanfold.testing.Receipts;
import io.spanfold.testing.Spans;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
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
  private static final LockOwner OWNER = new LockOwner("job", 1);

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
      List<StoredTrace> stored = store.write(batch);
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
      assertThat(store.write(batch)).hasSize(200);
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
      List<StoredTrace> storedAbove = store.write(above);
      List<StoredTrace> storedBelow = store.write(below);
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
        store.write(batch(1));
      }
      assertThat(servers.nodes()).allSatisfy(node -> assertThat(keysOf(node)).isPositive());
    }
  }

  @ParameterizedTest
  @EnumSource
  void recoversFromFlushedScriptsAndKilledConnections(Servers servers) {
    try (SegmentStore store = SegmentStore.connect(servers.settings())) {
      for (int i = 0; i < 5; i++) {
        servers.nodes().forEach(node -> onNode(node, "SCRIPT FLUSH"));
        SpanBatch batch = batch(50);
        List<StoredTrace> stored = store.write(batch);
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

  /** Half of the script's keys are on one node then, and the rest on none. */
  @Test
  @Timeout(60)
  void waitsWhileTheSlotOfATraceIsMoved() throws Exception {
    TraceKey trace = new TraceKey(1, 2, 3);
    String index = RedisKeys.index(trace);
    SpanBatch large = new SpanBatch(List.of(of(trace, unstored(5 * MUCH, 50, true, 50, 100))));
    SpanBatch small = new SpanBatch(List.of(of(trace, unstored(100, false, 200))));
    try (SegmentStore store = SegmentStore.connect(Servers.THREE.settings())) {
      List<StoredTrace> storedLarge = store.write(large);
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
            CompletableFuture.supplyAsync(() -> store.write(small));
        while (store.retriedCommands() == 0 && !storedSmall.isDone()) {
          Thread.onSpinWait();
        }
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
      List<StoredTrace> storedBefore = store.write(before);
      node.kill();
      Thread restart = new Thread(node::restart);
      restart.start();
      SpanBatch batch = batch(50);
      List<StoredTrace> stored = store.write(batch);
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
          .isThrownBy(() -> store.write(batch(1)))
          .withMessageContaining("store a batch of 1 traces")
          .withMessageContaining(node.address().toString())
          .withMessageContaining("attempts in 3");
    }
  }

  @ParameterizedTest
  @EnumSource
  void reportsMissingAndDamagedPayloadsAsLost(Servers servers) {
    try (SegmentStore store = SegmentStore.connect(servers.settings())) {
      SpanBatch batch = batch(2);
      List<StoredTrace> stored = store.write(batch);
      TraceKey trace = stored.get(0).trace();
      String missing = RedisKeys.payload(trace, stored.get(0).subsegments().get(0).id());
      String damaged = RedisKeys.payload(trace, stored.get(0).subsegments().get(1).id());
      String small = RedisKeys.smallPayloads(stored.get(1).trace());
      for (RedisNode node : servers.nodes()) {
        try (Jedis jedis = node.connect()) {
          for (String key : jedis.keys("*")) {
            if (key.equals(missing)) {
              jedis.del(key);
            } else if (key.equals(damaged)) {
              jedis.setrange(key, 10, "damage");
            } else if (key.equals(small)) {
              jedis.hdel(key, Hex.id(stored.get(1).subsegments().get(0).id()));
              jedis.hset(key, Hex.id(stored.get(1).subsegments().get(1).id()), "damage");
            }
          }
        }
      }
      for (LoadedPart part : store.load(candidates(stored))) {
        assertThat(part.slices()).extracting(LoadedSlice::lost).containsExactly(true, true, false);
      }
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
      assertThatExceptionOfType(StoreFullException.class)
          .isThrownBy(
              () -> {
                while (true) {
                  SpanBatch batch = batch(20);
                  List<StoredTrace> written = store.write(batch);
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
      long before = keysOf(node);
      List<Subsegment> two = receipts.get(0).subsegments().subList(0, 2);
      Receipt whole = receipts.get(0);
      // A part of a segment, too: the remaining count is decremented, which is a write.
      store.cleanUp(
          List.of(Receipts.of(whole.trace(), whole.segmentId(), two, new long[0])), OWNER);
      try (Jedis jedis = node.connect()) {
        assertThat(jedis.hget(RedisKeys.index(whole.trace()), "s" + Hex.id(whole.segmentId())))
            .as("one subsegment, two spans")
            .startsWith("1 2 ");
        assertThat(jedis.scard(RedisKeys.segment(whole.trace(), whole.segmentId())))
            .isEqualTo(phase.writesMerged() ? 1 : 0);
      }
      store.cleanUp(receipts, OWNER);
      assertThat(keysOf(node)).isLessThan(before / 10 + SUBSEGMENTS * 20 * 6);
    }
  }

  @Test
  void logsInAndKeepsTheSecret() {
    try (RedisNode node =
        RedisNode.start(RedisNode.Options.in(directory.resolve("secret")).withPassword(SECRET))) {
      StoreSettings right = settings(node.uri(), new Login(null, SECRET));
      assertThat(right.toString()).doesNotContain(SECRET).contains("***");
      try (SegmentStore store = SegmentStore.connect(right)) {
        assertThat(store.write(batch(1))).hasSize(1);
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
        phase);
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
      List<UnstoredSubsegment> subsegments = new ArrayList<>();
      for (int j = 0; j < SUBSEGMENTS; j++) {
        long[] ids = j == 0 ? new long[] {root, random.nextLong()} : random.longs(2).toArray();
        subsegments.add(unstored(i % 2 == 0 ? MUCH : LITTLE, root, j == 0, ids));
      }
      all.add(of(trace, subsegments.toArray(UnstoredSubsegment[]::new)));
    }
    return new SpanBatch(all);
  }

  private static TraceSpans of(TraceKey trace, UnstoredSubsegment... subsegments) {
    return new TraceSpans(trace, new SpanColumns(1), List.of(subsegments));
  }

  private UnstoredSubsegment unstored(long parent, boolean root, long... ids) {
    return unstored(LITTLE, parent, root, ids);
  }

  private UnstoredSubsegment unstored(int numbers, long parent, boolean root, long... ids) {
    byte[] payload = Long.toString(random.nextLong()).repeat(numbers).getBytes(UTF_8);
    Subsegment subsegment =
        new Subsegment(
            random.nextLong(),
            parent,
            root,
            ids.length,
            payload.length,
            0,
            0,
            1,
            Spans.positions(1, 2));
    return new UnstoredSubsegment(subsegment, payload, ids);
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
        assertThat(loaded.get(i).slices().get(j).frames()).isEqualTo(given.get(j).payload());
      }
    }
  }

  private static long keys(Servers servers) {
    return servers.nodes().stream().mapToLong(SegmentStoreITCase::keysOf).sum();
  }

  private static long keysOf(RedisNode node) {
    try (Jedis jedis = node.connect()) {
      return jedis.dbSize();
    }
  }

  private static void onNode(RedisNode node, String command) {
    String[] words = command.split(" ");
    try (Jedis jedis = node.connect()) {
      jedis.sendCommand(() -> words[0].getBytes(UTF_8), Arrays.copyOfRange(words, 1, words.length));
    }
  }
}

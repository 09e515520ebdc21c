package io.spanfold.buffer;

import static io.spanfold.buffer.redis.RedisKeys.ascii;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.buffer.redis.ConnectionSettings.Login;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.buffer.redis.StoreRefusedException;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.Await;
import io.spanfold.embedded.RedisNode;
import io.spanfold.testing.Receipts;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import redis.clients.jedis.Jedis;

/** The store while Redis fails, is full, moves slots, lacks payloads, or refuses the login. */
class SegmentStoreFaultsITCase extends StoreUnderTest {

  private static final String SECRET = "open-sesame";

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
}

package io.spanfold.buffer.orphan;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.IndexedTrace;
import io.spanfold.buffer.IndexedTrace.Sub;
import io.spanfold.buffer.RandomTraces;
import io.spanfold.buffer.SegmentStore;
import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.index.BucketTags;
import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.layout.PayloadLayouts;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.testing.Shares;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import redis.clients.jedis.Jedis;

/** Everything that a lost job wrote is found, and separate from later writes. */
class OrphanedBufferITCase {

  private static final int TRACES = 60;
  private static final Duration TTL = Duration.ofHours(2);

  @TempDir static Path directory;
  private static RedisCluster cluster;

  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);

  /** The written payloads, as lines: trace, segment by the index, subsegment, payload. */
  private final Set<String> written = new TreeSet<>();

  @BeforeAll
  static void start() {
    cluster = RedisCluster.start(directory);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @AfterEach
  void leaveNothing() {
    onEachNode(node -> node.configSet("maxmemory", "0"));
    onEachNode(Jedis::flushAll);
  }

  @ParameterizedTest
  @EnumSource
  void findsAllPayloadsOfEachPhaseUnderTheirSegmentsAndLeavesNothing(RolloutPhase phase)
      throws Exception {
    System.out.println("seed " + seed);
    write(phase);
    try (OrphanedBuffer buffer = OrphanedBuffer.connect(settings(phase))) {
      assertThat(buffer.quarantine()).isPositive();
      assertThat(keys())
          .noneMatch(key -> key.startsWith(RedisKeys.ALL_TRACES))
          .noneMatch(key -> key.startsWith(RedisKeys.ALL_LARGE_TRACES))
          .noneMatch(key -> key.startsWith(RedisKeys.PREFIX + "m:"));
      // All layouts of the phase are there, so that they are found in each.
      assertThat(keys().stream().map(OrphanedBufferITCase::kind))
          .containsOnly(
              Stream.of(
                      "ad:t",
                      phase.writesMerged() ? "ad:x" : "",
                      phase.writesMerged() ? "ad:m" : "",
                      phase.writesDistributed() ? "p" : "",
                      phase.writesDistributed() ? "s" : "")
                  .filter(kind -> !kind.isEmpty())
                  .toArray(String[]::new));
      assertThat(read(buffer)).isEqualTo(written);
      buffer.remove(traces(buffer));
    }
    assertThat(keys()).as("left in Redis").isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void laterWritesAreNotMixedWithQuarantinedPayloads(RolloutPhase phase) throws Exception {
    TraceKey trace = new TraceKey(1, 2, 3);
    Sub before = new Sub(100, 1, true, 1, new long[] {1});
    Sub after = new Sub(200, 1, false, 1, new long[] {2});
    try (OrphanedBuffer buffer = OrphanedBuffer.connect(settings(phase));
        SegmentStore store = SegmentStore.connect(settings(phase))) {
      store.write(batch(phase, trace, List.of(before)).in(new Generation(1, 1)));
      buffer.quarantine();
      store.write(batch(phase, trace, List.of(after)).in(new Generation(2, 0)));
      assertThat(subsegments(buffer)).containsExactly(100L);
      buffer.remove(traces(buffer));
      assertThat(traces(buffer)).isEmpty();
    }
    // Each attempt of a job has a buffer of its own.
    try (OrphanedBuffer buffer = OrphanedBuffer.connect(settings(phase))) {
      buffer.quarantine();
      assertThat(subsegments(buffer)).containsExactly(200L);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aSecondLostJobAddsToTheQuarantine(RolloutPhase phase) throws Exception {
    TraceKey trace = new TraceKey(1, 2, 3);
    try (OrphanedBuffer buffer = OrphanedBuffer.connect(settings(phase));
        SegmentStore store = SegmentStore.connect(settings(phase))) {
      store.write(
          batch(phase, trace, List.of(new Sub(100, 1, true, 1, new long[] {1})))
              .in(new Generation(1, 1)));
      buffer.quarantine();
      store.write(
          batch(phase, trace, List.of(new Sub(200, 1, false, 1, new long[] {2})))
              .in(new Generation(2, 0)));
      buffer.quarantine();
      assertThat(traces(buffer))
          .containsExactlyInAnyOrder(
              new OrphanedTrace(trace, tag(trace), 0), new OrphanedTrace(trace, tag(trace), 1));
      assertThat(subsegments(buffer)).containsExactlyInAnyOrder(100L, 200L);
      buffer.remove(traces(buffer));
    }
    assertThat(keys()).as("left in Redis").isEmpty();
  }

  @Test
  void aFullRedisAllowsQuarantineAndRemoval() throws Exception {
    write(RolloutPhase.MERGED);
    try (OrphanedBuffer buffer = OrphanedBuffer.connect(settings(RolloutPhase.MERGED))) {
      onEachNode(node -> node.configSet("maxmemory", "1mb"));
      assertThat(buffer.quarantine()).isPositive();
      assertThat(read(buffer)).isEqualTo(written);
      buffer.remove(traces(buffer));
    }
    assertThat(keys()).as("left in Redis").isEmpty();
  }

  @Test
  void readsOfASharedPayloadOnlyWhatIsInTheIndex() throws Exception {
    TraceKey trace = new TraceKey(1, 2, 3);
    RolloutPhase phase = RolloutPhase.DISTRIBUTED;
    List<Sub> subs =
        List.of(
            new Sub(101, 1, true, 1, new long[] {1}),
            new Sub(102, 2, false, 1, new long[] {3, 4}),
            new Sub(103, 5, false, 1, new long[] {6}));
    try (OrphanedBuffer buffer = OrphanedBuffer.connect(settings(phase));
        SegmentStore store = SegmentStore.connect(settings(phase))) {
      List<Subsegment> stored =
          store.write(batch(phase, trace, subs).in(new Generation(1, 1))).get(0).subsegments();
      FlushedPart.Receipt flushed =
          new FlushedPart.Receipt(
              new Discard(trace, stored.get(0), 0), 0, List.of(), new long[] {1});
      store.cleanUp(List.of(flushed), new LockOwner("job", 1));
      buffer.quarantine();

      List<String> found = new ArrayList<>();
      buffer.read(
          traces(buffer), (of, segment, id, frames) -> found.add(line(trace, segment, id, frames)));
      assertThat(found)
          .containsExactlyInAnyOrder(
              line(trace, 2, 102, payload(subs.get(1))), line(trace, 5, 103, payload(subs.get(2))));
      buffer.remove(traces(buffer));
    }
    assertThat(keys()).as("left in Redis").isEmpty();
  }

  @Test
  void countsLostPayloadsAndIgnoresForeignKeysAndFields() throws Exception {
    TraceKey trace = new TraceKey(1, 2, 3);
    RolloutPhase phase = RolloutPhase.DISTRIBUTED;
    try (OrphanedBuffer buffer = OrphanedBuffer.connect(settings(phase));
        SegmentStore store = SegmentStore.connect(settings(phase))) {
      store.write(
          batch(phase, trace, List.of(new Sub(100, 1, true, 1, new long[] {1})))
              .in(new Generation(1, 1)));
      store.write(
          batch(phase, trace, List.of(new Sub(200, 1, false, 1, new long[] {2})))
              .in(new Generation(1, 2)));
      onNodeOf(RedisKeys.smallPayloads(tag(trace), 1, 2), Jedis::unlink);
      buffer.quarantine();
      String quarantined = RedisKeys.quarantinedTraces(tag(trace), 0);
      String foreign = quarantined + "!";
      onNodeOf(quarantined, (node, key) -> node.sadd(foreign, "x"));
      onNodeOf(quarantined, (node, key) -> node.hset(key, "no trace", "x"));

      List<Long> found = new ArrayList<>();
      OrphanedBuffer.Contents contents =
          buffer.read(traces(buffer), (any, segment, id, frames) -> found.add(id));
      buffer.remove(traces(buffer));

      assertThat(found).containsExactly(100L);
      assertThat(contents).isEqualTo(new OrphanedBuffer.Contents(1, 1));
      assertThat(keys()).containsExactlyInAnyOrder(foreign, quarantined);
    }
  }

  /** Writes random traces, and records the final segment of each subsegment in the index. */
  private void write(RolloutPhase phase) {
    try (SegmentStore store = SegmentStore.connect(settings(phase))) {
      for (int i = 0; i < TRACES; i++) {
        TraceKey trace = new TraceKey(random.nextInt(1_000), random.nextLong(), random.nextLong());
        IndexedTrace expected = new IndexedTrace();
        for (List<Sub> call : RandomTraces.calls(random)) {
          store.write(batch(phase, trace, call).in(new Generation(1, i % 3)));
          expected.add(call);
        }
        for (Sub sub : expected.subs()) {
          written.add(line(trace, expected.rootOf(sub), sub.id(), payload(sub)));
        }
      }
    }
  }

  private Set<String> read(OrphanedBuffer buffer) throws InterruptedException {
    List<String> found = new ArrayList<>();
    OrphanedBuffer.Contents contents =
        buffer.read(
            traces(buffer),
            (trace, segment, id, frames) -> found.add(line(trace.trace(), segment, id, frames)));
    assertThat(contents.lostSubsegments()).isZero();
    assertThat(found).doesNotHaveDuplicates();
    return new TreeSet<>(found);
  }

  private static List<Long> subsegments(OrphanedBuffer buffer) throws InterruptedException {
    List<Long> found = new ArrayList<>();
    buffer.read(traces(buffer), (trace, segment, id, frames) -> found.add(id));
    return found;
  }

  private static List<OrphanedTrace> traces(OrphanedBuffer buffer) {
    Set<OrphanedTrace> traces = new HashSet<>();
    OrphanedBuffer.Pages pages = buffer.pages();
    for (List<OrphanedTrace> page = pages.next(); page != null; page = pages.next()) {
      traces.addAll(page);
    }
    return List.copyOf(traces);
  }

  /** The part of a key between the prefix and the hash tag. */
  private static String kind(String key) {
    return key.substring(RedisKeys.PREFIX.length(), key.indexOf(":{"));
  }

  private static String line(TraceKey trace, long segment, long id, byte[] payload) {
    return trace + " " + segment + " " + id + " " + payload.length + " " + Arrays.hashCode(payload);
  }

  private static byte[] payload(Sub sub) {
    int length = (int) Math.floorMod(sub.id(), 500L) + 1;
    // In a few batches, a trace has too many bytes for the small layout.
    byte[] payload =
        new byte
            [Shares.leastBytes(sub.spans().length)
                + (length % 16 == 0 ? length + PayloadLayouts.SMALL_BYTES : length)];
    new Random(sub.id()).nextBytes(payload);
    return payload;
  }

  private static SpanBatch batch(RolloutPhase phase, TraceKey trace, List<Sub> subs) {
    List<Shares.Part> parts =
        subs.stream()
            .map(
                sub ->
                    new Shares.Part(sub.id(), sub.parent(), sub.root(), sub.spans(), payload(sub)))
            .toList();
    return new SpanBatch(List.of(Shares.of(trace, phase.layouts(), parts)));
  }

  private static String tag(TraceKey trace) {
    return new BucketTags(settings(RolloutPhase.DISTRIBUTED).buckets()).of(trace);
  }

  private static StoreSettings settings(RolloutPhase phase) {
    return new StoreSettings(
        ConnectionSettings.of(cluster.uris()), TTL, 0, false, phase, Buckets.DEFAULT);
  }

  /** Returns all keys but that of the number of buckets. */
  private static Set<String> keys() {
    Set<String> keys = new HashSet<>();
    onEachNode(node -> keys.addAll(node.keys("*")));
    keys.remove(RedisKeys.BUCKETS);
    return keys;
  }

  private static void onNodeOf(String key, BiConsumer<Jedis, String> what) {
    onEachNode(
        node -> {
          if (node.keys("*").contains(key)) {
            what.accept(node, key);
          }
        });
  }

  private static void onEachNode(Consumer<Jedis> what) {
    for (URI uri : cluster.uris()) {
      try (Jedis node = new Jedis(uri)) {
        what.accept(node);
      }
    }
  }
}

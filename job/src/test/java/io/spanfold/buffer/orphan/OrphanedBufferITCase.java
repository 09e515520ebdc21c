package io.spanfold.buffer.orphan;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.IndexedTrace;
import io.spanfold.buffer.IndexedTrace.Sub;
import io.spanfold.buffer.RandomTraces;
import io.spanfold.buffer.SegmentStore;
import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.layout.PayloadLayouts;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.SpanColumns;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.testing.Spans;
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
          .noneMatch(key -> key.startsWith(RedisKeys.ALL_INDEXES))
          .noneMatch(key -> key.startsWith(RedisKeys.PREFIX + "sp:"));
      // All layouts of the phase are there, so that they are found in each.
      assertThat(keys().stream().map(OrphanedBufferITCase::kind))
          .containsOnly(
              Stream.of(
                      "ad:ssr",
                      phase.writesMerged() ? "ad:s" : "",
                      phase.writesDistributed() ? "ad:sp" : "",
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
      store.write(batch(trace, List.of(before)));
      buffer.quarantine();
      store.write(batch(trace, List.of(after)));
      assertThat(subsegments(buffer)).containsExactly(100L);
      buffer.remove(traces(buffer));
      assertThat(traces(buffer)).isEmpty();

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
      store.write(batch(trace, List.of(new Sub(100, 1, true, 1, new long[] {1}))));
      buffer.quarantine();
      store.write(batch(trace, List.of(new Sub(200, 1, false, 1, new long[] {2}))));
      buffer.quarantine();
      assertThat(traces(buffer))
          .containsExactlyInAnyOrder(new OrphanedTrace(trace, 0), new OrphanedTrace(trace, 1));
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
  void countsLostPayloadsAndIgnoresForeignKeys() throws Exception {
    TraceKey trace = new TraceKey(1, 2, 3);
    try (OrphanedBuffer buffer = OrphanedBuffer.connect(settings(RolloutPhase.DISTRIBUTED));
        SegmentStore store = SegmentStore.connect(settings(RolloutPhase.DISTRIBUTED))) {
      store.write(
          batch(
              trace,
              List.of(
                  new Sub(100, 1, true, 1, new long[] {1}),
                  new Sub(200, 1, false, 1, new long[] {2}))));
      onEachNode(
          node -> {
            if (node.keys("*").contains(RedisKeys.smallPayloads(trace))) {
              node.hdel(RedisKeys.smallPayloads(trace), Hex.id(200));
            }
          });
      buffer.quarantine();
      String quarantined = RedisKeys.quarantinedIndex(trace, 0);
      String foreign = quarantined + "!";
      onEachNode(
          node -> {
            if (node.keys("*").contains(quarantined)) {
              node.sadd(foreign, "x");
            }
          });

      List<Long> found = new ArrayList<>();
      OrphanedBuffer.Contents contents =
          buffer.read(traces(buffer), (any, segment, id, frames) -> found.add(id));
      buffer.remove(traces(buffer));

      assertThat(found).containsExactly(100L);
      assertThat(contents).isEqualTo(new OrphanedBuffer.Contents(1, 1));
      assertThat(keys()).containsExactly(foreign);
    }
  }

  /** Writes random traces, and records the final segment of each subsegment in the index. */
  private void write(RolloutPhase phase) {
    try (SegmentStore store = SegmentStore.connect(settings(phase))) {
      for (int i = 0; i < TRACES; i++) {
        TraceKey trace = new TraceKey(random.nextInt(1_000), random.nextLong(), random.nextLong());
        IndexedTrace expected = new IndexedTrace();
        for (List<Sub> call : RandomTraces.calls(random)) {
          store.write(batch(trace, call));
          expected.add(call);
        }
        for (Sub sub : expected.subs()) {
          written.add(line(trace, expected.rootOf(sub), sub.id(), payload(sub.id())));
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

  private static byte[] payload(long id) {
    int length = (int) Math.floorMod(id, 500L) + 1;
    // In a few batches, a trace has too many bytes for the small layout.
    byte[] payload = new byte[length % 16 == 0 ? length + PayloadLayouts.SMALL_BYTES : length];
    new Random(id).nextBytes(payload);
    return payload;
  }

  private static SpanBatch batch(TraceKey trace, List<Sub> subs) {
    List<UnstoredSubsegment> unstored = new ArrayList<>();
    for (Sub sub : subs) {
      byte[] payload = payload(sub.id());
      Subsegment subsegment =
          new Subsegment(
              sub.id(),
              sub.parent(),
              sub.root(),
              sub.spans().length,
              payload.length,
              0,
              0,
              1,
              Spans.positions());
      unstored.add(new UnstoredSubsegment(subsegment, payload, sub.spans()));
    }
    return new SpanBatch(List.of(new TraceSpans(trace, new SpanColumns(1), unstored)));
  }

  private static StoreSettings settings(RolloutPhase phase) {
    return new StoreSettings(ConnectionSettings.of(cluster.uris()), TTL, 0, false, phase);
  }

  private static Set<String> keys() {
    Set<String> keys = new HashSet<>();
    onEachNode(node -> keys.addAll(node.keys("*")));
    return keys;
  }

  private static void onEachNode(Consumer<Jedis> what) {
    for (URI uri : cluster.uris()) {
      try (Jedis node = new Jedis(uri)) {
        what.accept(node);
      }
    }
  }
}

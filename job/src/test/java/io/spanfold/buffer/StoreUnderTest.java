package io.spanfold.buffer;

import static io.spanfold.buffer.redis.RedisKeys.ascii;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Login;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.TraceKey;
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
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;

/** A store on one node and on a cluster of three, and batches to write to it. */
abstract class StoreUnderTest {

  static final int SUBSEGMENTS = 3;

  /** How many numbers a payload has, of a trace that has much in its batch and of another. */
  static final int MUCH = 2_000;

  static final int LITTLE = 200;
  static final long EPOCH = 5;
  static final long CHECKPOINT = 8;
  static final LockOwner OWNER = new LockOwner("job", EPOCH);

  @TempDir static Path directory;
  static RedisNode single;
  static RedisCluster cluster;

  final Random random = new Random(3);

  enum Servers {
    ONE,
    THREE;

    List<RedisNode> nodes() {
      return this == ONE ? List.of(single) : cluster.nodes();
    }

    StoreSettings settings() {
      // One node of a cluster is enough: the others are found.
      return StoreUnderTest.settings(nodes().get(0).uri());
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

  static StoreSettings settings(URI uri) {
    return settings(uri, Login.NONE);
  }

  static StoreSettings settings(URI uri, Login login) {
    Timeouts timeouts =
        new Timeouts(Duration.ofSeconds(2), Duration.ofSeconds(5), Duration.ofSeconds(30));
    return settings(uri, login, timeouts, RolloutPhase.DISTRIBUTED);
  }

  static StoreSettings settings(URI uri, Login login, Timeouts timeouts, RolloutPhase phase) {
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
  SpanBatch batch(int traces) {
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

  static TraceSpans of(TraceKey trace, Part... subsegments) {
    return Shares.of(trace, 0, List.of(subsegments));
  }

  Part unstored(long parent, boolean root, long... ids) {
    return unstored(LITTLE, parent, root, ids);
  }

  Part unstored(int numbers, long parent, boolean root, long... ids) {
    byte[] payload = Long.toString(random.nextLong()).repeat(numbers).getBytes(UTF_8);
    return new Part(random.nextLong(), parent, root, ids, payload);
  }

  static String tag(TraceKey trace) {
    return Buckets.DEFAULT.tag(Buckets.DEFAULT.of(trace));
  }

  static byte[] smallKey(TraceKey trace) {
    return ascii(RedisKeys.smallPayloads(tag(trace), EPOCH, CHECKPOINT));
  }

  static byte[] smallField(StoredTrace trace) {
    SmallPayload small = trace.subsegments().get(0).small();
    return ByteBuffer.allocate(Long.BYTES).putLong(small.id()).array();
  }

  static List<DuePart> candidates(List<StoredTrace> stored) {
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

  static List<Receipt> receipts(List<StoredTrace> stored, SpanBatch batch) {
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

  static void assertLoaded(List<LoadedPart> loaded, SpanBatch batch) {
    assertThat(loaded).hasSameSizeAs(batch.traces());
    for (int i = 0; i < loaded.size(); i++) {
      List<UnstoredSubsegment> given = batch.traces().get(i).subsegments();
      for (int j = 0; j < given.size(); j++) {
        assertThat(loaded.get(i).slices().get(j).frames())
            .isEqualTo(batch.traces().get(i).frames(given.get(j)));
      }
    }
  }

  static long keys(Servers servers) {
    return servers.nodes().stream().mapToLong(StoreUnderTest::keysOf).sum();
  }

  static long keysOf(RedisNode node) {
    try (Jedis jedis = node.connect()) {
      Set<String> keys = jedis.keys("*");
      keys.removeIf(
          key -> key.equals(RedisKeys.BUCKETS) || key.startsWith(RedisKeys.CURRENT_DICTIONARY));
      return keys.size();
    }
  }

  static void onNode(RedisNode node, String command) {
    String[] words = command.split(" ");
    try (Jedis jedis = node.connect()) {
      jedis.sendCommand(() -> words[0].getBytes(UTF_8), Arrays.copyOfRange(words, 1, words.length));
    }
  }
}

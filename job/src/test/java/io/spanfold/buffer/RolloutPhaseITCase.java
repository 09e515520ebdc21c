package io.spanfold.buffer;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.IndexedTrace.Sub;
import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.layout.DistributedLayout;
import io.spanfold.buffer.layout.MergedLayout;
import io.spanfold.buffer.layout.PayloadLayouts;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.buffer.layout.SmallLayout;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.testing.RedisUnderTest;
import io.spanfold.testing.Shares;
import io.spanfold.testing.Shares.Part;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import redis.clients.jedis.Jedis;

/** Payloads load as they were written, in every phase and across every change of phase. */
class RolloutPhaseITCase {

  private static final int TRACES = 200;
  private static final int READS = 30;
  private static final int MERGES_A_READ = 2;
  private static final int LONG_PATH = 1_000;
  private static final int LARGEST_PAYLOAD = 2_000;
  private static final Duration TTL = Duration.ofHours(2);

  private static final Generation GIVEN_UP = new Generation(1, 1);

  private static final long EPOCH = 2;
  private static final long CHECKPOINT = 7;
  private static final LockOwner OWNER = new LockOwner("job", EPOCH);

  @TempDir static Path directory;
  private static RedisUnderTest single;
  private static RedisCluster cluster;

  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);
  private final Map<RolloutPhase, SegmentStore> stores = new EnumMap<>(RolloutPhase.class);
  private final Map<Long, byte[]> payloads = new ConcurrentHashMap<>();

  enum Servers {
    ONE,
    THREE;

    List<URI> uris() {
      return this == ONE ? List.of(single.uri()) : cluster.uris();
    }
  }

  @BeforeAll
  static void start() {
    single = RedisUnderTest.start(directory.resolve("single"));
    cluster = RedisCluster.start(directory.resolve("cluster"));
  }

  @AfterAll
  static void stop() {
    single.close();
    cluster.close();
  }

  @AfterEach
  void leaveNothing() {
    stores.values().forEach(SegmentStore::close);
    for (Servers servers : Servers.values()) {
      onEachNode(servers, Jedis::flushAll);
    }
  }

  @ParameterizedTest
  @EnumSource
  void loadsPayloadsAcrossAllPhaseChangesAndLeavesNothing(Servers servers) {
    System.out.println("seed " + seed);
    open(servers);
    for (int i = 0; i < TRACES; i++) {
      TraceKey trace = trace();
      boolean changes = random.nextInt(4) != 0;
      RolloutPhase phase = anyPhase();
      List<Subsegment> open = new ArrayList<>();
      Map<Long, Sub> subOf = new HashMap<>();
      for (List<Sub> call : RandomTraces.calls(random)) {
        call.forEach(sub -> subOf.put(sub.id(), sub));
        SpanBatch batch = batch(trace, call, phase);
        if (changes && random.nextInt(4) == 0) {
          // It was in a savepoint, so it is unknown whether it was stored before.
          if (random.nextBoolean()) {
            stores.get(phase).write(batch.in(GIVEN_UP));
          }
          phase = anyPhase();
        }
        if (random.nextInt(4) == 0) {
          // The attempt that was given up had divided the same spans otherwise.
          List<Sub> others = call.stream().map(sub -> sub(sub.parent(), sub.spans()[0])).toList();
          stores.get(anyPhase()).write(batch(trace, others, anyPhase()).in(GIVEN_UP));
        }
        open.addAll(write(phase, batch).get(0).subsegments());
        if (changes && random.nextInt(3) == 0) {
          phase = anyPhase();
        }
        if (random.nextInt(10) == 0) {
          removeGivenUp(phase);
        }
        assertLoaded(phase, trace, some(open));
        if (random.nextInt(5) == 0) {
          List<Subsegment> part = some(open);
          open.removeAll(part);
          cleanUp(phase, trace, part, subOf);
        }
        assertLoaded(phase, trace, open);
      }
      while (!open.isEmpty()) {
        List<Subsegment> part = some(open);
        open.removeAll(part);
        cleanUp(phase, trace, part, subOf);
        if (random.nextInt(4) == 0) {
          cleanUp(phase, trace, part, subOf);
        }
        phase = changes ? anyPhase() : phase;
        assertLoaded(phase, trace, open);
      }
      removeGivenUp(phase);
      assertThat(keys(servers)).as("left in Redis").isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void writesTheLayoutsOfThePhase(RolloutPhase phase) {
    open(Servers.THREE);
    for (boolean small : new boolean[] {false, true}) {
      TraceKey trace = trace();
      List<Sub> subs = List.of(sub(50, 50), sub(50, 60));
      int half = PayloadLayouts.SMALL_BYTES / 2;
      SpanBatch batch = batch(trace, subs, phase, small ? half : half + 1);
      List<Subsegment> stored = write(phase, batch).get(0).subsegments();
      Set<String> keys = keys(Servers.THREE);
      assertThat(keys.contains(merged(trace, 50))).isEqualTo(phase.writesMerged());
      assertThat(keys.contains(RedisKeys.payload(trace, subs.get(1).id())))
          .isEqualTo(phase.writesDistributed() && !small);
      assertThat(keys.contains(RedisKeys.smallPayloads(tag(trace), EPOCH, CHECKPOINT)))
          .isEqualTo(phase.writesDistributed() && small);
      int bits =
          (phase.writesMerged() ? MergedLayout.BIT : 0)
              | (phase.writesDistributed() ? small ? SmallLayout.BIT : DistributedLayout.BIT : 0);
      assertThat(stored).allMatch(s -> s.layouts() == bits);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"DUAL_WRITE", "DUAL_READ"})
  void readsTheLayoutOfThePhaseAndFallsBackToTheOther(RolloutPhase phase) {
    open(Servers.THREE);
    TraceKey trace = trace();
    List<Sub> subs = List.of(sub(50, 50), sub(50, 60), sub(50, 70));
    SpanBatch batch = batch(trace, subs, phase, PayloadLayouts.SMALL_BYTES);
    List<Subsegment> stored = write(phase, batch).get(0).subsegments();
    // One of the two copies is deleted, to see which one is read.
    String other =
        phase.readsMerged() ? RedisKeys.payload(trace, subs.get(1).id()) : merged(trace, 50);
    delete(other::equals);
    assertLoaded(phase, trace, stored);
    write(phase, batch);
    String first =
        phase.readsMerged() ? merged(trace, 50) : RedisKeys.payload(trace, subs.get(1).id());
    onEachNode(
        Servers.THREE,
        node -> {
          if (node.keys("*").contains(first)) {
            node.del(first);
            if (phase.readsMerged()) {
              // Damaged, and with an invalid field.
              byte[] key = first.getBytes(US_ASCII);
              byte[] id = ByteBuffer.allocate(Long.BYTES).putLong(subs.get(0).id()).array();
              node.hset(key, id, new byte[1]);
              node.hset(key, new byte[] {7}, new byte[] {7});
            } else {
              node.set(first, "damage");
            }
          }
        });
    assertLoaded(phase, trace, stored);
    delete(key -> key.matches(RedisKeys.PREFIX + "[sm]:.*"));
    assertThat(load(phase, trace, stored)).allMatch(LoadedSlice::lost);
  }

  /** In a hash of many pages, whose cursors mean nothing once it is merged on. */
  @Test
  @Timeout(120)
  void findsEveryPayloadOfAHashThatIsMergedWhileItIsRead() throws Exception {
    open(Servers.ONE);
    StoreSettings settings =
        new StoreSettings(
            ConnectionSettings.of(Servers.ONE.uris()),
            TTL,
            -1,
            true,
            RolloutPhase.MERGED,
            Buckets.DEFAULT);
    TraceKey trace = trace();
    List<Sub> subs = new ArrayList<>();
    for (int i = 0; i < 800; i++) {
      subs.add(sub(1_000_000, 10 + i));
    }
    SpanBatch batch = batch(trace, subs, RolloutPhase.MERGED, 8_000);
    ExecutorService executor = Executors.newSingleThreadExecutor();
    try (SegmentStore writer = SegmentStore.connect(settings);
        SegmentStore reader = SegmentStore.connect(settings)) {
      List<Subsegment> stored =
          writer.write(batch.in(new Generation(EPOCH, CHECKPOINT))).get(0).subsegments();
      Semaphore merges = new Semaphore(0);
      CompletableFuture<Void> merging =
          CompletableFuture.runAsync(
              () -> {
                for (int round = 0; round < READS * MERGES_A_READ; round++) {
                  long top = 1_000_000L + round;
                  List<Sub> more = new ArrayList<>();
                  // Alternately fewer and more members than the other set: either side moves.
                  int count = round % 8 == 7 ? 3_000 : 5;
                  for (int i = 0; i < count; i++) {
                    more.add(sub(top + 1, random.nextLong()));
                  }
                  SpanBatch above = batch(trace, more, RolloutPhase.MERGED, 10);
                  List<Sub> between = List.of(sub(top + 1, top));
                  writer.write(above.in(new Generation(EPOCH, CHECKPOINT)));
                  merges.acquireUninterruptibly();
                  writer.write(
                      batch(trace, between, RolloutPhase.MERGED, 10)
                          .in(new Generation(EPOCH, CHECKPOINT)));
                }
              },
              executor);
      for (int i = 0; i < READS; i++) {
        merges.release(MERGES_A_READ);
        assertThat(frames(reader, trace, stored)).isEqualTo(expected(stored));
      }
      merging.get();
      assertThat(frames(reader, trace, stored)).isEqualTo(expected(stored));
    } finally {
      executor.shutdownNow();
    }
  }

  /** Each is filed under another name, and every name leads to the next. */
  @Test
  @Timeout(60)
  void followsEachRedirectOfALongPathOnce() {
    open(Servers.ONE);
    SegmentStore store = stores.get(RolloutPhase.MERGED);
    TraceKey trace = trace();
    List<Subsegment> stored = new ArrayList<>();
    for (int i = 0; i < LONG_PATH; i++) {
      Sub above = new Sub(random.nextLong(), i + 1, false, 1, new long[] {i});
      SpanBatch batch = batch(trace, List.of(above), RolloutPhase.MERGED, 10);
      stored.addAll(store.write(batch.in(new Generation(EPOCH, CHECKPOINT))).get(0).subsegments());
    }
    onEachNode(Servers.ONE, Jedis::configResetStat);
    assertLoaded(RolloutPhase.MERGED, trace, stored);
    onEachNode(
        Servers.ONE,
        node ->
            assertThat(node.info("commandstats"))
                .containsPattern("cmdstat_hget:calls=%d,".formatted(LONG_PATH)));
  }

  private void open(Servers servers) {
    for (RolloutPhase phase : RolloutPhase.values()) {
      stores.put(
          phase,
          SegmentStore.connect(
              // Another level in each phase, so the same payload has other bytes.
              new StoreSettings(
                  ConnectionSettings.of(servers.uris()),
                  TTL,
                  phase.ordinal() - 1,
                  false,
                  phase,
                  Buckets.DEFAULT)));
    }
  }

  private List<StoredTrace> write(RolloutPhase phase, SpanBatch batch) {
    return stores.get(phase).write(batch.in(new Generation(EPOCH, CHECKPOINT)));
  }

  private static String tag(TraceKey trace) {
    return Buckets.DEFAULT.tag(Buckets.DEFAULT.of(trace));
  }

  private static String merged(TraceKey trace, long segment) {
    return RedisKeys.merged(tag(trace), trace, segment);
  }

  private RolloutPhase anyPhase() {
    return RolloutPhase.values()[random.nextInt(RolloutPhase.values().length)];
  }

  private TraceKey trace() {
    return new TraceKey(random.nextInt(1_000), random.nextLong(), random.nextLong());
  }

  private Sub sub(long parent, long span) {
    return new Sub(random.nextLong(), parent, parent == span, 1, new long[] {span});
  }

  private List<Subsegment> some(List<Subsegment> of) {
    List<Subsegment> some = new ArrayList<>(of);
    some.removeIf(subsegment -> random.nextBoolean());
    return some.isEmpty() && !of.isEmpty() ? List.of(of.get(0)) : some;
  }

  private SpanBatch batch(TraceKey trace, List<Sub> subs, RolloutPhase phase) {
    int largest = random.nextInt(4) == 0 ? PayloadLayouts.SMALL_BYTES : LARGEST_PAYLOAD;
    return batch(trace, subs, phase, 1 + random.nextInt(largest));
  }

  /** Returns a batch of one trace, whose subsegments have frames of {@code bytes} if possible. */
  private SpanBatch batch(TraceKey trace, List<Sub> subs, RolloutPhase phase, int bytes) {
    List<Part> parts = new ArrayList<>();
    for (Sub sub : subs) {
      byte[] frames = new byte[Math.max(bytes, Shares.leastBytes(sub.spans().length))];
      new Random(sub.id()).nextBytes(frames);
      payloads.put(sub.id(), frames);
      parts.add(new Part(sub.id(), sub.parent(), sub.root(), sub.spans(), frames));
    }
    return new SpanBatch(List.of(Shares.of(trace, phase.layouts(), parts)));
  }

  private void assertLoaded(RolloutPhase phase, TraceKey trace, List<Subsegment> stored) {
    assertThat(frames(stores.get(phase), trace, stored))
        .as("seed %d, %s", seed, phase)
        .isEqualTo(expected(stored));
  }

  private List<ByteBuffer> expected(List<Subsegment> stored) {
    return stored.stream().map(s -> ByteBuffer.wrap(payloads.get(s.id()))).toList();
  }

  /** Returns what is loaded, in a form that is compared by content; empty for what is lost. */
  private static List<ByteBuffer> frames(
      SegmentStore store, TraceKey trace, List<Subsegment> stored) {
    return load(store, trace, stored).stream()
        .map(s -> ByteBuffer.wrap(s.lost() ? new byte[0] : s.frames()))
        .toList();
  }

  private List<LoadedSlice> load(RolloutPhase phase, TraceKey trace, List<Subsegment> stored) {
    return load(stores.get(phase), trace, stored);
  }

  private static List<LoadedSlice> load(
      SegmentStore store, TraceKey trace, List<Subsegment> stored) {
    return store.load(List.of(candidate(trace, stored))).get(0).slices();
  }

  private static DuePart candidate(TraceKey trace, List<Subsegment> stored) {
    List<Slice> slices = stored.stream().map(s -> new Slice(s, null, true)).toList();
    return new DuePart(trace, 0, 0, FlushReason.IDLE, 0, false, slices);
  }

  private void cleanUp(
      RolloutPhase phase, TraceKey trace, List<Subsegment> part, Map<Long, Sub> subOf) {
    long[] spans =
        part.stream().flatMapToLong(s -> Arrays.stream(subOf.get(s.id()).spans())).toArray();
    Receipt receipt = new Receipt(candidate(trace, part), 1, List.of(), spans);
    stores.get(phase).cleanUp(List.of(receipt), OWNER);
  }

  private void removeGivenUp(RolloutPhase phase) {
    List<Integer> buckets = IntStream.range(0, Buckets.DEFAULT_COUNT).boxed().toList();
    stores.get(phase).removeGivenUp(buckets, any -> true, GIVEN_UP::equals, OWNER, () -> {});
    stores.get(phase).removeGivenUpPayloads(GIVEN_UP::equals);
  }

  private static Set<String> keys(Servers servers) {
    Set<String> keys = new HashSet<>();
    onEachNode(servers, node -> keys.addAll(node.keys("*")));
    keys.remove(RedisKeys.BUCKETS);
    return keys;
  }

  private static void delete(Predicate<String> which) {
    onEachNode(
        Servers.THREE,
        node -> {
          node.keys("*").stream().filter(which).forEach(key -> node.del(key.getBytes(US_ASCII)));
        });
  }

  private static void onEachNode(Servers servers, Consumer<Jedis> what) {
    for (URI uri : servers.uris()) {
      try (Jedis node = new Jedis(uri)) {
        what.accept(node);
      }
    }
  }
}

package io.spanfold.buffer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.IndexedTrace.Sub;
import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.index.LargeRecord;
import io.spanfold.buffer.layout.PayloadLayouts;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.buffer.lease.LeaseAnswer;
import io.spanfold.buffer.lease.LeaseClaim;
import io.spanfold.buffer.lease.LeaseStore;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.lease.LockState;
import io.spanfold.buffer.memory.BufferState;
import io.spanfold.buffer.orphan.OrphanedBuffer;
import io.spanfold.buffer.orphan.OrphanedTrace;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Login;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.Await;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import io.spanfold.embedded.Resharding;
import io.spanfold.testing.Shares;
import io.spanfold.testing.Shares.Part;
import io.spanfold.testing.SlotMoves;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.util.JedisClusterCRC16;

/**
 * The buffer while its slots are moved from master to master: with every kind of key, in all
 * rollout phases at once.
 *
 * <p>Slots are moved one by one from here, so that those with keys are moved often. With {@code
 * -Dspanfold.redis-cli=/usr/bin/redis-cli} they are moved by {@code redis-cli --cluster reshard};
 * {@code -Dspanfold.redis-server} takes another server than that in the jar.
 */
class ReshardingITCase {

  private static final Duration RETRIES = Duration.ofSeconds(20);

  private static final int ADOPTIONS = 5;
  private static final int TRACES_OF_A_ROUND = 30;
  private static final int LARGEST_PAYLOAD = 2_000;
  private static final Duration TTL = Duration.ofHours(2);
  private static final Duration LOCK_TTL = Duration.ofMinutes(10);
  private static final long EPOCH = 5;
  private static final LockOwner OWNER = new LockOwner("job", EPOCH);
  private static final LockOwner SUPERSEDED = new LockOwner("job", EPOCH - 1);

  /** The kinds of keys that end with what is buffered; see lua/README.md. */
  private static final String BUFFERED = "span-buf:(t|x|p|m|s|ad):.*";

  @TempDir private Path directory;
  private RedisCluster cluster;
  private SlotMoves moves;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final long seed = new Random().nextLong();
  private volatile boolean stopped;

  @BeforeEach
  void start() {
    System.out.println("seed " + seed);
    cluster = RedisCluster.start(directory);
    moves = new SlotMoves(cluster, new Random(seed));
  }

  @AfterEach
  void stop() throws InterruptedException {
    stopped = true;
    threads.shutdown();
    assertThat(threads.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
    cluster.close();
  }

  @Test
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  void everyOperationSucceedsAndNothingIsLostOrLeft() throws Exception {
    List<Worker> workers = new ArrayList<>();
    for (RolloutPhase phase : RolloutPhase.values()) {
      workers.add(new Worker(phase, seed + phase.ordinal()));
    }
    lockAllBuckets();
    List<Future<?>> running = new ArrayList<>();
    workers.forEach(worker -> running.add(threads.submit(worker)));
    running.add(threads.submit(this::renewTheLease));
    running.add(threads.submit(this::demandLocksOfANewerEpoch));
    assertThat(Await.until(() -> done(running) || dictionaryExists(), Duration.ofMinutes(1)))
        .isTrue();

    moves.run(() -> done(running));

    stopped = true;
    for (Future<?> each : running) {
      each.get();
    }
    workers.forEach(Worker::report);
    System.out.println(moves);
    assertThat(moves.kinds()).contains("t", "x", "p", "m", "s", "fl", "buckets", "dict");
    assertThat(moves.kinds().contains("lease") || moves.byCli()).isTrue();
    assertThat(workers.stream().mapToLong(Worker::retried).sum()).isPositive();
    assertThat(buffered()).isEmpty();
  }

  @Test
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  void aBufferIsAdoptedCompletely() throws Exception {
    for (int i = 0; i < ADOPTIONS; i++) {
      Map<Long, byte[]> expected = new HashMap<>();
      for (RolloutPhase phase : RolloutPhase.values()) {
        Worker worker = new Worker(phase, seed + i * 10L + phase.ordinal());
        worker.leaveSome();
        expected.putAll(worker.payloads);
      }
      AtomicBoolean adopted = new AtomicBoolean();
      Future<?> moving = threads.submit(() -> moves.runOnce(() -> stopped || adopted.get()));
      try (OrphanedBuffer buffer =
          OrphanedBuffer.connect(settings(RolloutPhase.DISTRIBUTED, false))) {
        buffer.quarantine();
        OrphanedBuffer.Pages pages = buffer.pages();
        for (List<OrphanedTrace> page = pages.next(); page != null; page = pages.next()) {
          OrphanedBuffer.Contents contents =
              buffer.read(
                  page,
                  (trace, segment, subsegment, frames) ->
                      assertThat(frames).isEqualTo(expected.remove(subsegment)));
          assertThat(contents.lostSubsegments()).as("seed %d", seed).isZero();
          buffer.remove(page);
        }
      }
      assertThat(expected.keySet()).as("not adopted, seed %d", seed).isEmpty();
      adopted.set(true);
      moving.get();
    }
    System.out.println(moves);
    assertThat(moves.kinds().contains("ad") || moves.byCli()).isTrue();
    assertThat(buffered()).isEmpty();
  }

  /** The script is interrupted then, but not after it has replaced the packed record. */
  @Test
  @Timeout(60)
  void aTraceThatBecomesLargeWhileItsSlotIsMovedKeepsItsRecord() throws Exception {
    Worker worker = new Worker(RolloutPhase.DISTRIBUTED, seed);
    TraceKey trace = worker.trace();
    String tag = Buckets.DEFAULT.tag(Buckets.DEFAULT.of(trace));
    byte[] large = RedisKeys.ascii(RedisKeys.largeTrace(tag, trace));
    SpanBatch first = new SpanBatch(List.of(worker.spans(trace, List.of(worker.sub(1, 1)), 1)));
    List<Sub> most = new ArrayList<>(worker.large().get(0));
    most.addAll(worker.large().get(1));
    SpanBatch second = new SpanBatch(List.of(worker.spans(trace, most, 1)));
    Resharding resharding = Resharding.withoutSearch(cluster);
    int slot = JedisClusterCRC16.getSlot(large);
    RedisNode from = ownerOf(slot, resharding);
    RedisNode to = cluster.nodes().stream().filter(node -> node != from).findFirst().orElseThrow();
    try (SegmentStore store = SegmentStore.connect(settings(RolloutPhase.DISTRIBUTED, false));
        Jedis source = from.connect();
        Jedis target = to.connect()) {
      StoredTrace packed = store.write(first.in(new Generation(EPOCH, 1))).get(0);
      source.hset(large, RedisKeys.ascii("left by another record"), new byte[1]);
      target.clusterSetSlotImporting(slot, source.clusterMyId());
      source.clusterSetSlotMigrating(slot, target.clusterMyId());

      Future<List<StoredTrace>> written =
          threads.submit(() -> store.write(second.in(new Generation(EPOCH, 1))));
      assertThat(Await.until(() -> source.clusterCountKeysInSlot(slot) == 2, RETRIES)).isTrue();
      resharding.move(slot, from, to);
      written.get();

      assertThat(
              target.hexists(large, LargeRecord.subsegmentField(packed.subsegments().get(0).id())))
          .isTrue();
    }
  }

  @Test
  @Timeout(60)
  void aSlotThatIsMovedIsNoReasonToRefuseAJob() {
    Resharding resharding = Resharding.withoutSearch(cluster);
    RedisNode from = cluster.nodes().get(0);
    RedisNode to = cluster.nodes().get(1);
    List<Integer> own = resharding.slotsOf(from);
    int first =
        IntStream.iterate(0, i -> i + 1)
            .map(i -> JedisClusterCRC16.getSlot(RedisKeys.PREFIX + "check:" + i))
            .filter(slot -> Collections.binarySearch(own, slot) >= 0)
            .findFirst()
            .getAsInt();
    try (Jedis source = from.connect();
        Jedis target = to.connect()) {
      target.clusterSetSlotImporting(first, source.clusterMyId());
      source.clusterSetSlotMigrating(first, target.clusterMyId());
      assertThat(BufferState.ask(settings(RolloutPhase.DISTRIBUTED, false).redis()).nodes())
          .hasSize(3)
          .allSatisfy(node -> assertThat(node.refusedWrite()).isEmpty());
    }
  }

  private RedisNode ownerOf(int slot, Resharding resharding) {
    return cluster.nodes().stream()
        .filter(node -> Collections.binarySearch(resharding.slotsOf(node), slot) >= 0)
        .findFirst()
        .orElseThrow();
  }

  private static boolean done(List<Future<?>> running) {
    return running.stream().anyMatch(Future::isDone);
  }

  private StoreSettings settings(RolloutPhase phase, boolean dictionary) {
    Timeouts timeouts = new Timeouts(Duration.ofSeconds(2), Duration.ofSeconds(5), RETRIES);
    return new StoreSettings(
        new ConnectionSettings(List.of(cluster.uris().get(0)), Login.NONE, null, timeouts),
        TTL,
        3,
        dictionary,
        phase,
        Buckets.DEFAULT);
  }

  private boolean dictionaryExists() {
    return keys().stream().anyMatch(key -> key.startsWith(RedisKeys.CURRENT_DICTIONARY + ":"));
  }

  private Set<String> keys() {
    Set<String> keys = new TreeSet<>();
    for (RedisNode node : cluster.nodes()) {
      try (Jedis jedis = node.connect()) {
        keys.addAll(jedis.keys("*"));
      }
    }
    return keys;
  }

  private Set<String> buffered() {
    Set<String> keys = keys();
    keys.removeIf(key -> !key.matches(BUFFERED));
    return keys;
  }

  private static List<DuePart> anyParts(int count, Random random) {
    List<DuePart> parts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      parts.add(part(new TraceKey(1, random.nextLong(), random.nextLong()), List.of()));
    }
    return parts;
  }

  private void lockAllBuckets() {
    try (SegmentStore store = SegmentStore.connect(settings(RolloutPhase.DISTRIBUTED, false))) {
      List<LockState> locks =
          store.lock(anyParts(50 * Buckets.DEFAULT_COUNT, new Random(seed)), OWNER, LOCK_TTL);
      assertThat(locks).hasSize(Buckets.DEFAULT_COUNT).containsOnly(LockState.TAKEN);
    }
  }

  /** A process that was stalled and has woken up. The locks are never free. */
  private Void demandLocksOfANewerEpoch() {
    Random random = new Random(seed);
    try (SegmentStore store = SegmentStore.connect(settings(RolloutPhase.DISTRIBUTED, false))) {
      while (!stopped) {
        List<DuePart> parts = anyParts(20, random);
        assertThat(timed(() -> store.lock(parts, SUPERSEDED, LOCK_TTL)))
            .as("seed %d", seed)
            .containsOnly(LockState.REFUSED);
        Await.millis(5);
      }
    }
    return null;
  }

  /** Attempt by attempt. The lease is never free. */
  private Void renewTheLease() {
    Duration ttl = Duration.ofSeconds(30);
    try (LeaseStore leases = new LeaseStore(settings(RolloutPhase.DISTRIBUTED, false).redis())) {
      LeaseAnswer first = null;
      long epoch = 0;
      for (int attempt = 0; !stopped; attempt++) {
        LeaseClaim claim = new LeaseClaim("main", "job", "a".repeat(32), attempt);
        LeaseAnswer held = timed(() -> leases.take(claim, ttl));
        assertThat(held.state()).isEqualTo(LeaseAnswer.State.HELD);
        assertThat(held.epoch()).isGreaterThan(epoch);
        first = first == null ? held : first;
        assertThat(held.since()).as("seed %d", seed).isEqualTo(first.since());
        epoch = held.epoch();
        assertThat(timed(() -> leases.renew(claim, held, ttl)).epoch()).isEqualTo(epoch);
        assertThat(timed(leases::look).orElseThrow().epoch()).isEqualTo(epoch);
        leases.release(epoch, ttl.dividedBy(2));
        assertThat(timed(() -> leases.take(claim, ttl)).epoch()).isEqualTo(epoch);
        Await.millis(1);
      }
    }
    return null;
  }

  private final AtomicLong longestNanos = new AtomicLong();

  /** Calls an operation, which must return within the time for retries. */
  private <T> T timed(Supplier<T> operation) {
    long begin = System.nanoTime();
    T result = operation.get();
    long nanos = System.nanoTime() - begin;
    longestNanos.accumulateAndGet(nanos, Math::max);
    assertThat(Duration.ofNanos(nanos)).isLessThan(RETRIES);
    return result;
  }

  private static DuePart part(TraceKey trace, List<Subsegment> stored) {
    List<Slice> slices = stored.stream().map(s -> new Slice(s, null, true)).toList();
    return new DuePart(trace, 0, 0, FlushReason.IDLE, 0, false, slices);
  }

  /** A task that writes, loads and cleans up traces in one phase until the test stops. */
  private final class Worker implements Callable<Void> {

    final Map<Long, byte[]> payloads = new HashMap<>();
    private final RolloutPhase phase;
    private final Random random;
    private final Map<Long, Sub> subs = new HashMap<>();
    private SegmentStore store;
    private long checkpoint;
    private int rounds;
    private long retriedBefore;

    Worker(RolloutPhase phase, long seed) {
      this.phase = phase;
      this.random = new Random(seed);
    }

    @Override
    public Void call() {
      while (!stopped) {
        // Each time anew: it finds the nodes and fetches the dictionary.
        try (SegmentStore opened = timed(() -> SegmentStore.connect(settings(phase, true)))) {
          store = opened;
          for (int i = 0; i < 20 && !stopped; i++) {
            round();
          }
          retriedBefore += store.retriedCommands();
        }
      }
      return null;
    }

    /** Leaves what an attempt of a job leaves that is lost. */
    void leaveSome() {
      try (SegmentStore opened = SegmentStore.connect(settings(phase, false))) {
        store = opened;
        writeAll();
      }
    }

    long retried() {
      return retriedBefore;
    }

    void report() {
      System.out.printf(
          "%s: %d rounds, %d commands were sent again; the longest operation took %d ms%n",
          phase, rounds, retriedBefore, longestNanos.get() / 1_000_000);
    }

    private void round() {
      Map<TraceKey, List<Subsegment>> open = writeAll();
      List<DuePart> parts =
          open.entrySet().stream().map(each -> part(each.getKey(), each.getValue())).toList();
      assertThat(timed(() -> store.lock(parts, OWNER, LOCK_TTL))).containsOnly(LockState.TAKEN);
      assertLoaded(open);
      Map<TraceKey, List<Subsegment>> some = new LinkedHashMap<>();
      open.forEach((trace, stored) -> some.put(trace, some(stored)));
      cleanUp(some);
      open.forEach((trace, stored) -> stored.removeAll(some.get(trace)));
      open.values().removeIf(List::isEmpty);
      assertLoaded(open);
      cleanUp(open);
      payloads.clear();
      subs.clear();
      rounds++;
    }

    /** Writes some traces, batch by batch; returns what is stored. */
    private Map<TraceKey, List<Subsegment>> writeAll() {
      Map<TraceKey, Queue<List<Sub>>> left = new LinkedHashMap<>();
      for (int i = 0; i < TRACES_OF_A_ROUND; i++) {
        left.put(trace(), new ArrayDeque<>(RandomTraces.calls(random)));
        // Of some, no span ever comes.
        left.values().removeIf(Queue::isEmpty);
      }
      left.put(trace(), new ArrayDeque<>(large()));
      TraceKey distributed = trace();
      left.put(distributed, new ArrayDeque<>(List.of(List.of(sub(1, 1), sub(1, 2), sub(1, 3)))));
      Map<TraceKey, List<Subsegment>> open = new LinkedHashMap<>();
      while (!left.isEmpty()) {
        List<TraceSpans> batch = new ArrayList<>();
        left.forEach(
            (trace, calls) ->
                batch.add(
                    spans(
                        trace,
                        calls.remove(),
                        trace.equals(distributed) ? PayloadLayouts.SMALL_BYTES : 1)));
        left.values().removeIf(Queue::isEmpty);
        // A new hash of small payloads with each.
        checkpoint++;
        List<StoredTrace> stored =
            timed(() -> store.write(new SpanBatch(batch, new Generation(EPOCH, checkpoint))));
        stored.forEach(
            each ->
                open.computeIfAbsent(each.trace(), any -> new ArrayList<>())
                    .addAll(each.subsegments()));
        if (random.nextInt(5) == 0) {
          assertLoaded(open);
        }
      }
      return open;
    }

    private TraceKey trace() {
      return new TraceKey(random.nextInt(1_000), random.nextLong(), random.nextLong());
    }

    /** Returns the calls of a trace with an unpacked record: some segments, merged at last. */
    private List<List<Sub>> large() {
      List<List<Sub>> calls = new ArrayList<>();
      for (int parent = 11; parent <= 14; parent++) {
        List<Sub> call = new ArrayList<>();
        for (int i = 0; i < 120; i++) {
          call.add(sub(parent, random.nextLong()));
        }
        calls.add(call);
      }
      calls.add(List.of(new Sub(random.nextLong(), 10, true, 1, new long[] {10, 11, 12, 13, 14})));
      return calls;
    }

    private Sub sub(long parent, long span) {
      return new Sub(random.nextLong(), parent, parent == span, 1, new long[] {span});
    }

    private TraceSpans spans(TraceKey trace, List<Sub> call, int least) {
      List<Part> parts = new ArrayList<>();
      for (Sub sub : call) {
        subs.put(sub.id(), sub);
        int bytes =
            Math.max(
                Shares.leastBytes(sub.spans().length), least + random.nextInt(LARGEST_PAYLOAD));
        byte[] frames = payloads.computeIfAbsent(sub.id(), id -> text(id, bytes));
        parts.add(new Part(sub.id(), sub.parent(), sub.root(), sub.spans(), frames));
      }
      return Shares.of(trace, phase.layouts(), parts);
    }

    /** Returns bytes that a dictionary helps to compress. */
    private static byte[] text(long id, int bytes) {
      Random numbers = new Random(id);
      StringBuilder text = new StringBuilder();
      while (text.length() < bytes) {
        text.append("{\"span_id\":\"").append(Long.toHexString(numbers.nextLong()));
        text.append("\",\"attributes\":{\"http.status_code\":").append(numbers.nextInt(600));
        text.append(",\"server.address\":\"shop-").append(numbers.nextInt(100)).append("\"}}");
      }
      return text.substring(0, bytes).getBytes(UTF_8);
    }

    private List<Subsegment> some(List<Subsegment> of) {
      return of.stream().filter(any -> random.nextBoolean()).toList();
    }

    private void assertLoaded(Map<TraceKey, List<Subsegment>> open) {
      List<DuePart> parts = new ArrayList<>();
      List<ByteBuffer> expected = new ArrayList<>();
      open.forEach(
          (trace, stored) -> {
            parts.add(part(trace, stored));
            stored.forEach(each -> expected.add(ByteBuffer.wrap(payloads.get(each.id()))));
          });
      List<ByteBuffer> loaded =
          timed(() -> store.load(parts)).stream()
              .flatMap(part -> part.slices().stream())
              .map(slice -> ByteBuffer.wrap(frames(slice)))
              .toList();
      assertThat(loaded).as("seed %d, %s", seed, phase).isEqualTo(expected);
    }

    private static byte[] frames(LoadedSlice slice) {
      return slice.lost() ? new byte[0] : slice.frames();
    }

    private void cleanUp(Map<TraceKey, List<Subsegment>> parts) {
      List<Receipt> receipts = new ArrayList<>();
      parts.forEach(
          (trace, stored) -> {
            if (!stored.isEmpty()) {
              long[] spans =
                  stored.stream()
                      .flatMapToLong(each -> Arrays.stream(subs.get(each.id()).spans()))
                      .toArray();
              receipts.add(new Receipt(part(trace, stored), 1, List.of(), spans));
            }
          });
      timed(
          () -> {
            store.cleanUp(receipts, OWNER);
            return null;
          });
    }
  }
}

package io.spanfold.buffer.index;

import static io.spanfold.buffer.redis.RedisKeys.ascii;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.buffer.IndexedTrace;
import io.spanfold.buffer.RandomTraces;
import io.spanfold.buffer.index.IndexUnderTest.Form;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.StoreRefusedException;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.testing.Receipts;
import io.spanfold.testing.RedisUnderTest;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import redis.clients.jedis.Connection;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.args.Rawable;

/** The scripts against {@link IndexModel}, which knows all cases, and {@link IndexedTrace}. */
class IndexScriptsITCase {

  private static final int HISTORIES = 60;
  private static final int STEPS = 12;

  @TempDir static Path directory;
  private static RedisUnderTest single;
  private static RedisCluster cluster;

  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);
  private IndexUnderTest index;

  enum Case {
    PACKED_ON_ONE(Form.PACKED, true),
    PACKED_ON_THREE(Form.PACKED, false),
    LARGE_ON_ONE(Form.LARGE, true),
    MERGED_ON_ONE(Form.MERGED, true),
    MERGED_ON_THREE(Form.MERGED, false);

    final Form form;
    final boolean one;

    Case(Form form, boolean one) {
      this.form = form;
      this.one = one;
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

  @BeforeEach
  void tellSeed() {
    System.out.println("seed " + seed);
  }

  @AfterEach
  void leaveNothing() {
    if (index != null) {
      index.close();
    }
    List<URI> all = new ArrayList<>(cluster.uris());
    all.add(single.uri());
    for (URI uri : all) {
      try (Jedis jedis = new Jedis(uri)) {
        jedis.flushAll();
      }
    }
  }

  private void open(Case of) {
    open(of.form, of.one ? List.of(single.uri()) : cluster.uris());
  }

  private void open(Form form, List<URI> uris) {
    index = new IndexUnderTest(uris, form, new Buckets(4, 128));
  }

  @ParameterizedTest
  @EnumSource
  void keepsTheModelInAnyHistory(Case of) {
    open(of);
    for (int i = 0; i < HISTORIES; i++) {
      // In a hash, spans that no receipt names may outlive the former name that they lead to.
      boolean forgetful = of.form == Form.PACKED;
      playHistories(3, forgetful, 30, 4, STEPS);
    }
  }

  /** The scripts search long records in another way. */
  @Test
  void keepsTheModelOfLongRecords() {
    open(Case.PACKED_ON_ONE);
    for (int i = 0; i < 20; i++) {
      playHistories(2, true, 300, 30, STEPS);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"PACKED_ON_ONE", "PACKED_ON_THREE"})
  void keepsTheModelWhenATraceOutgrowsAPackedRecord(Case of) {
    open(of);
    for (int i = 0; i < 4; i++) {
      playHistories(2, false, 3_000, 200, STEPS);
    }
  }

  /** With scripts that shorten paths by one redirect a call, and remove one former name. */
  @ParameterizedTest
  @EnumSource(names = {"LARGE", "MERGED"})
  void keepsTheModelInCallsOfFewSteps(Form form) {
    open(form, List.of(single.uri()));
    try (Jedis jedis = new Jedis(single.uri())) {
      Map<String, Integer> repeated = new HashMap<>();
      index.sender =
          commands -> {
            List<Object> answers = commands.stream().map(each -> inFewSteps(jedis, each)).toList();
            for (int i = 0; i < answers.size(); i++) {
              if (answers.get(i) instanceof byte[] answer
                  && Arrays.equals(answer, ascii("again"))) {
                repeated.merge(commands.get(i).script().name(), 1, Integer::sum);
              }
            }
            return answers;
          };
      for (int i = 0; i < HISTORIES; i++) {
        playHistories(3, false, 30, 4, STEPS);
      }
      // Clean-up also while Redis is full.
      for (int i = 0; i < 10; i++) {
        List<TraceHistory> histories = new ArrayList<>();
        Map<TraceKey, IndexModel> models = new HashMap<>();
        TraceHistory history = new TraceHistory(trace(), random, false, 30, 4);
        histories.add(history);
        models.put(history.trace, new IndexModel());
        for (int step = 0; step < STEPS; step++) {
          TraceShare share = history.nextShare();
          index.add(List.of(share));
          models.get(history.trace).add(share);
        }
        jedis.configSet("maxmemory", "1");
        while (!history.isFinished()) {
          finish(histories, models);
          check(models);
        }
        jedis.configSet("maxmemory", "0");
        assertThat(index.keys()).isEmpty();
      }
      System.out.println("calls that were repeated: " + repeated);
      assertThat(repeated).containsOnlyKeys("add-large.lua", "finish-large.lua");
    }
  }

  private static Object inFewSteps(Jedis jedis, RedisCommand<Object> command) {
    String text = new String(command.script().text(), US_ASCII);
    String small = text.replaceFirst("MAX_STEPS = \\d+", "MAX_STEPS = 1");
    String sha1 = jedis.scriptLoad(small);
    List<byte[]> words = new ArrayList<>();
    for (Rawable word : command.command().getArguments()) {
      words.add(word.getRaw());
    }
    words.set(1, ascii(sha1));
    return jedis.sendCommand(
        Protocol.Command.EVALSHA, words.subList(1, words.size()).toArray(byte[][]::new));
  }

  /** What a job does not do itself: to stop in the middle, and to add in between. */
  @Test
  void aCleanUpThatStopsBetweenCallsContinues() {
    open(Case.LARGE_ON_ONE);
    TraceKey trace = trace();
    TraceShare rest = share(trace, List.of(new IndexedTrace.Sub(1, -1, true, 10, new long[] {-1})));
    index.add(List.of(rest));
    int names = 3_000;
    List<IndexedTrace.Sub> subs = new ArrayList<>();
    for (int i = 1; i <= names; i++) {
      subs.add(new IndexedTrace.Sub(10 + i, i + 1, false, 10, new long[] {i}));
    }
    List<Subsegment> all = new ArrayList<>();
    for (int from = 0; from < names; from += 100) {
      TraceShare share = share(trace, subs.subList(from, from + 100));
      index.add(List.of(share));
      all.addAll(share.subsegments());
    }
    List<Long> spans = new ArrayList<>();
    subs.forEach(sub -> spans.add(sub.spans()[0]));
    long segment = names + 1L;
    for (int late = 1; late <= 5; late++) {
      Receipt receipt = Receipts.of(trace, segment, all, longs(spans));
      int calls = random.nextInt(30);
      assertThat(index.finishSome(receipt, calls)).as("calls in the middle").isTrue();
      TraceShare share =
          share(
              trace,
              List.of(
                  new IndexedTrace.Sub(
                      -10L * late,
                      random.nextBoolean() ? segment : 1 + random.nextInt(names),
                      false,
                      10,
                      new long[] {-10L * late - 1})));
      index.add(List.of(share));
      all.addAll(share.subsegments());
      spans.add(-10L * late - 1);
    }
    Receipt receipt = Receipts.of(trace, segment, all, longs(spans));
    index.finish(List.of(receipt));
    assertThat(index.segments(trace)).containsOnlyKeys(-1L);
    assertThat(index.segments(trace).get(-1L).subsegments()).hasSize(1);
    index.finish(List.of(Receipts.of(trace, -1, rest.subsegments(), new long[] {-1})));
    assertThat(index.keys()).isEmpty();
  }

  private static long[] longs(List<Long> all) {
    return all.stream().mapToLong(Long::longValue).toArray();
  }

  /** Plays several traces at once, so that calls have several. */
  private void playHistories(
      int traces, boolean forgetful, int mostIds, int mostSubsegments, int steps) {
    List<TraceHistory> histories = new ArrayList<>();
    Map<TraceKey, IndexModel> models = new HashMap<>();
    for (int i = 0; i < traces; i++) {
      TraceKey trace = trace();
      models.put(trace, new IndexModel());
      histories.add(new TraceHistory(trace, random, forgetful, mostIds, mostSubsegments));
    }
    for (int step = 0; step < steps; step++) {
      List<TraceHistory> some = new ArrayList<>(histories);
      some.removeIf(each -> random.nextInt(3) == 0);
      if (random.nextInt(3) != 0) {
        List<TraceShare> shares = some.stream().map(TraceHistory::nextShare).toList();
        index.add(shares);
        shares.forEach(share -> models.get(share.trace()).add(share));
      } else {
        finish(some, models);
      }
      check(models);
    }
    while (histories.stream().anyMatch(each -> !each.isFinished())) {
      finish(histories, models);
      check(models);
    }
    assertThat(index.keys()).isEmpty();
  }

  private void finish(List<TraceHistory> histories, Map<TraceKey, IndexModel> models) {
    List<Receipt> receipts = new ArrayList<>();
    histories.forEach(each -> receipts.addAll(each.nextReceipts()));
    Collections.shuffle(receipts, random);
    Set<Long> free = new TreeSet<>();
    histories.forEach(
        each ->
            free.addAll(
                models
                    .get(each.trace)
                    .finish(receipts.stream().filter(r -> r.trace().equals(each.trace)).toList())));
    assertThat(index.finish(receipts)).isEqualTo(free);
    if (random.nextInt(4) == 0) {
      assertThat(index.finish(receipts)).as("again").isEqualTo(free);
    }
  }

  private void check(Map<TraceKey, IndexModel> models) {
    models.forEach((trace, model) -> assertThat(index.segments(trace)).isEqualTo(model.segments()));
  }

  @ParameterizedTest
  @EnumSource
  void buildsTheSameTreeInAnyOrder(Case of) {
    open(of);
    for (int i = 0; i < HISTORIES; i++) {
      TraceKey trace = trace();
      IndexedTrace expected = new IndexedTrace();
      List<TraceShare> shares = new ArrayList<>();
      for (List<IndexedTrace.Sub> call : RandomTraces.calls(random)) {
        expected.add(call);
        shares.add(share(trace, call));
        index.add(List.of(shares.get(shares.size() - 1)));
        if (random.nextInt(4) == 0) {
          index.add(List.of(shares.get(random.nextInt(shares.size()))));
        }
      }
      Map<Long, Set<Long>> segments = new TreeMap<>();
      for (IndexedTrace.Sub sub : expected.subs()) {
        segments.computeIfAbsent(expected.rootOf(sub), root -> new TreeSet<>()).add(sub.id());
      }
      Map<Long, Set<Long>> found = new TreeMap<>();
      index
          .segments(trace)
          .forEach((name, segment) -> found.put(name, segment.subsegments().keySet()));
      assertThat(found).isEqualTo(segments);
    }
  }

  private static TraceShare share(TraceKey trace, List<IndexedTrace.Sub> subs) {
    List<Subsegment> subsegments = new ArrayList<>();
    List<long[]> spanIds = new ArrayList<>();
    for (IndexedTrace.Sub sub : subs) {
      subsegments.add(
          TraceHistory.subsegment(
              sub.id(), sub.parent(), sub.root(), sub.spans().length, sub.bytes(), null));
      spanIds.add(sub.spans());
    }
    return new TraceShare(trace, new Generation(1, 1), subsegments, spanIds);
  }

  @ParameterizedTest
  @EnumSource
  void takesSharesAndReceiptsOfAnySize(Case of) {
    open(of);
    TraceKey trace = trace();
    long[] ids = random.longs(20_000).distinct().toArray();
    // Each of these ids as a parent, in one share; then one subsegment of all.
    List<IndexedTrace.Sub> children = new ArrayList<>();
    for (long id : ids) {
      children.add(new IndexedTrace.Sub(~id, id, false, 1, new long[] {id ^ 0x5555}));
    }
    List<IndexedTrace.Sub> wide = List.of(new IndexedTrace.Sub(1, ids[0], true, 10, ids));
    TraceShare first = share(trace, children);
    TraceShare second = share(trace, wide);
    index.add(List.of(first));
    index.add(List.of(second));
    assertThat(index.segments(trace)).hasSize(1);
    assertThat(index.segments(trace).get(ids[0]).subsegments()).hasSize(ids.length + 1);

    List<Subsegment> all = new ArrayList<>(first.subsegments());
    all.addAll(second.subsegments());
    long[] spans = new long[2 * ids.length];
    for (int i = 0; i < ids.length; i++) {
      spans[i] = ids[i];
      spans[ids.length + i] = ids[i] ^ 0x5555;
    }
    index.finish(List.of(Receipts.of(trace, ids[0], all, spans)));
    assertThat(index.keys()).isEmpty();
  }

  @Test
  void namesAPayloadFreeWhenTheLastOfItsSubsegmentsGoes() {
    open(Case.PACKED_ON_ONE);
    TraceKey trace = trace();
    SmallPayload shared = new SmallPayload(900, 1, 1, 0);
    Subsegment first = TraceHistory.subsegment(1, 10, true, 1, 5, shared);
    Subsegment second = TraceHistory.subsegment(2, 20, true, 1, 5, new SmallPayload(900, 1, 1, 40));
    List<long[]> spans = List.of(new long[] {10}, new long[] {20});
    index.add(List.of(new TraceShare(trace, new Generation(1, 1), List.of(first, second), spans)));

    List<Receipt> one = List.of(Receipts.of(trace, 10, List.of(first), new long[] {10}));
    assertThat(index.finish(one)).isEmpty();
    assertThat(index.finish(one)).isEmpty();
    List<Receipt> other = List.of(Receipts.of(trace, 20, List.of(second), new long[] {20}));
    assertThat(index.finish(other)).containsExactly(900L);
    assertThat(index.finish(other)).containsExactly(900L);
    assertThat(index.finish(one)).containsExactly(900L);
  }

  @Test
  void keepsTheHashOfABucketATableWithASentinel() {
    open(Case.PACKED_ON_ONE);
    for (Form form : List.of(Form.PACKED, Form.LARGE)) {
      index.close();
      open(form, List.of(single.uri()));
      TraceShare share = new TraceHistory(trace(), random, false, 5, 1).nextShare();
      index.add(List.of(share));
      try (Jedis jedis = new Jedis(single.uri())) {
        String key = index.tracesKey(share.trace());
        assertThat(jedis.objectEncoding(key)).isEqualTo("hashtable");
        assertThat(jedis.hget(key, "")).isEqualTo("x".repeat(65));
      }
      index.finish(List.of(Receipts.of(share.trace(), 1, share.subsegments(), new long[0])));
      assertThat(index.keys()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void sweepsRecordsThatNobodyFinishes(Form form) {
    index = new IndexUnderTest(List.of(single.uri()), form, new Buckets(1, 128));
    for (int i = 0; i < 20; i++) {
      index.add(List.of(new TraceHistory(trace(), random, false, 5, 1).nextShare()));
    }
    index.now = index.now.plus(IndexUnderTest.TTL);
    TraceShare alive = new TraceHistory(trace(), random, false, 5, 1).nextShare();
    index.add(List.of(alive));
    try (Jedis jedis = new Jedis(single.uri())) {
      String key = index.tracesKey(alive.trace());
      assertThat(jedis.hlen(key)).as("none is older than the TTL yet").isEqualTo(22);
      index.now = index.now.plusSeconds(1);
      for (int calls = 0; jedis.hlen(key) > 2; calls++) {
        assertThat(calls).isLessThan(5_000);
        index.add(List.of(alive));
        assertThat(jedis.hget(key, "")).isEqualTo("x".repeat(65));
      }
    }
    assertThat(index.record(alive.trace())).isNotNull();
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void aFullRedisRefusesAddsAndRunsCleanUp(Form form) {
    open(form, List.of(single.uri()));
    List<TraceHistory> histories = new ArrayList<>();
    Map<TraceKey, IndexModel> models = new HashMap<>();
    for (int i = 0; i < 10; i++) {
      TraceHistory history = new TraceHistory(trace(), random, false, 30, 4);
      histories.add(history);
      models.put(history.trace, new IndexModel());
      for (int step = 0; step < 4; step++) {
        TraceShare share = history.nextShare();
        index.add(List.of(share));
        models.get(history.trace).add(share);
      }
    }
    IndexUnderTest impatient =
        new IndexUnderTest(List.of(single.uri()), form, index.buckets, Duration.ZERO);
    try (Jedis jedis = new Jedis(single.uri())) {
      jedis.configSet("maxmemory", "1");
      List<TraceShare> further =
          List.of(
              new TraceHistory(trace(), random, false, 30, 4).nextShare(),
              new TraceHistory(trace(), random, false, 30, 4).nextShare());
      Set<String> keys = index.keys();
      assertThatThrownBy(() -> impatient.add(further)).isInstanceOf(StoreRefusedException.class);
      assertThat(index.keys()).isEqualTo(keys);
      check(models);

      assertThat(index.lock(0, IndexUnderTest.OWNER)).isEqualTo("taken");
      while (histories.stream().anyMatch(each -> !each.isFinished())) {
        finish(histories, models);
        check(models);
      }
      assertThat(index.keys()).hasSize(1).allMatch(key -> key.startsWith("span-buf:fl:"));
    } finally {
      try (Jedis jedis = new Jedis(single.uri())) {
        jedis.configSet("maxmemory", "0");
      }
      impatient.close();
    }
  }

  @ParameterizedTest
  @EnumSource(Form.class)
  void aNewerLockRefusesLocksAndCleanUp(Form form) {
    open(form, List.of(single.uri()));
    TraceShare share = new TraceHistory(trace(), random, false, 5, 3).nextShare();
    index.add(List.of(share));
    List<Receipt> receipts =
        List.of(Receipts.of(share.trace(), 1, share.subsegments(), new long[0]));
    int bucket = index.buckets.of(share.trace());
    Map<Long, IndexModel.View> before = index.segments(share.trace());

    assertThat(index.lock(bucket, new LockOwner("job", 6))).isEqualTo("taken");
    assertThat(index.lock(bucket, new LockOwner("job", 6))).isEqualTo("taken");
    assertThat(index.lock(bucket, new LockOwner("next", 8))).isEqualTo("taken-over");
    assertThat(index.lock(bucket, new LockOwner("job", 7))).isEqualTo("refused");
    assertThat(index.finish(receipts, new LockOwner("job", 7))).isEmpty();
    assertThat(index.finish(receipts, new LockOwner("job", 8))).isEmpty();
    assertThat(index.segments(share.trace())).isEqualTo(before);
    LockOwner owner = new LockOwner(random.nextBoolean() ? "next" : "other", 9);
    assertThat(index.finish(receipts, owner)).isPresent();
    assertThat(index.segments(share.trace())).isEmpty();
  }

  /** Runs every call as a user that may touch the declared keys only. */
  @ParameterizedTest
  @EnumSource(Form.class)
  void touchesDeclaredKeysOnly(Form form) {
    open(form, List.of(single.uri()));
    HostAndPort address = new HostAndPort(single.uri().getHost(), single.uri().getPort());
    try (Jedis admin = new Jedis(single.uri())) {
      index.sender =
          commands -> {
            List<Object> answers = new ArrayList<>();
            for (RedisCommand<Object> command : commands) {
              admin.scriptLoad(command.script().text());
              answers.add(asRestrictedUser(admin, address, command));
            }
            return answers;
          };
      for (int i = 0; i < 10; i++) {
        playHistories(2, false, 30, 4, STEPS);
      }
      admin.aclDelUser("restricted");
    }
  }

  private static Object asRestrictedUser(
      Jedis admin, HostAndPort address, RedisCommand<Object> command) {
    List<byte[]> words = new ArrayList<>();
    for (Rawable word : command.command().getArguments()) {
      words.add(word.getRaw());
    }
    // EVALSHA, the script, the number of keys, the keys.
    int count = Integer.parseInt(new String(words.get(2), US_ASCII));
    List<byte[]> rules = new ArrayList<>();
    for (String rule : List.of("reset", "on", ">secret", "+@all")) {
      rules.add(ascii(rule));
    }
    for (byte[] key : words.subList(3, 3 + count)) {
      rules.add(ascii("~" + new String(key, US_ASCII)));
    }
    admin.aclSetUser(ascii("restricted"), rules.toArray(byte[][]::new));
    DefaultJedisClientConfig login =
        DefaultJedisClientConfig.builder().user("restricted").password("secret").build();
    try (Connection connection = new Connection(address, login)) {
      connection.sendCommand(
          Protocol.Command.EVALSHA, words.subList(1, words.size()).toArray(byte[][]::new));
      return connection.getOne();
    }
  }

  @Test
  void endsWhenRedirectsFormACycle() {
    open(Case.LARGE_ON_ONE);
    TraceKey trace = trace();
    List<Long> ids = List.of(1L, 2L, 3L);
    TraceShare first =
        share(trace, List.of(new IndexedTrace.Sub(77, 50, false, 10, new long[] {9})));
    index.add(List.of(first));
    try (Jedis jedis = new Jedis(single.uri())) {
      String tag = index.tracesKey(trace).replaceAll(".*\\{(.*)}.*", "$1");
      byte[] key = ascii(RedisKeys.largeTrace(tag, trace));
      for (long id : ids) {
        jedis.hset(key, bytes(id), bytes(id % 3 + 1));
      }
    }
    TraceShare second =
        share(trace, List.of(new IndexedTrace.Sub(78, 1, false, 10, new long[] {10})));
    index.add(List.of(second));
    index.add(List.of(second));
    List<Subsegment> all = new ArrayList<>(first.subsegments());
    all.addAll(second.subsegments());
    index.finish(List.of(Receipts.of(trace, 1, second.subsegments(), new long[] {10})));
    index.finish(List.of(Receipts.of(trace, 50, all, new long[] {9, 10})));
    assertThat(index.keys()).isEmpty();
  }

  private static byte[] bytes(long id) {
    return ByteBuffer.allocate(Long.BYTES).putLong(id).array();
  }

  private TraceKey trace() {
    return new TraceKey(random.nextInt(1_000), random.nextLong(), random.nextLong());
  }
}

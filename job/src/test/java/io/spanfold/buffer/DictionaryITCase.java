package io.spanfold.buffer;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import com.github.luben.zstd.Zstd;
import io.spanfold.buffer.compression.CompressionDictionary;
import io.spanfold.buffer.compression.DictionaryKeeper;
import io.spanfold.buffer.compression.DictionaryTrainer;
import io.spanfold.buffer.compression.KnownDictionaries;
import io.spanfold.buffer.compression.PayloadCompression;
import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.buffer.orphan.OrphanedBuffer;
import io.spanfold.buffer.orphan.OrphanedTrace;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Login;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.RetryPolicy;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import io.spanfold.testing.Shares;
import io.spanfold.testing.Shares.Part;
import io.spanfold.testing.SpanTexts;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.RedisClusterClient;

@Timeout(60)
class DictionaryITCase {

  private static final Duration TTL = Duration.ofHours(1);
  private static final Instant START = Instant.parse("2026-11-21T12:00:00Z");

  /** More than enough to train from, at 256 KB a batch. */
  private static final int BATCHES = 9;

  private static final int PAYLOADS = 75;
  private static final String CURRENT = RedisKeys.CURRENT_DICTIONARY;

  @TempDir static Path directory;
  private static RedisCluster cluster;
  private static RedisClusterClient redis;

  private final Random random = new Random(17);
  private final SpanTexts texts = new SpanTexts(1);
  private final List<Written> written = new ArrayList<>();

  @BeforeAll
  static void start() {
    cluster = RedisCluster.start(RedisNode.Options.in(directory));
    URI any = cluster.uris().get(0);
    redis =
        RedisClusterClient.builder()
            .nodes(Set.of(new HostAndPort(any.getHost(), any.getPort())))
            .build();
  }

  @AfterAll
  static void stop() {
    redis.close();
    cluster.close();
  }

  @AfterEach
  void leaveNothing() {
    onEachNode(Jedis::flushAll);
  }

  @Test
  void writersThatTrainAtTheSameTimeEndWithOneDictionary() throws Exception {
    CyclicBarrier both = new CyclicBarrier(2);
    List<CompletableFuture<Integer>> used = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      long seed = i;
      used.add(
          CompletableFuture.supplyAsync(
              () -> {
                SpanTexts own = new SpanTexts(seed);
                try (Writer writer = new Writer()) {
                  fill(writer, own);
                  both.await();
                  writer.pass(Duration.ofSeconds(1));
                  return dictionaryOf(writer.write(own));
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              }));
    }
    int first = used.get(0).get();
    assertThat(first).isNotZero().isEqualTo(used.get(1).get());
    assertThat(redis.get(CURRENT)).startsWith("%08x:".formatted(first));
  }

  @Test
  void payloadsShrinkByHalfAndAReaderFetchesTheDictionary() {
    try (Writer writer = new Writer()) {
      long before = writer.write(texts).bytes();
      train(writer, texts);
      Written after = writer.write(texts);
      assertThat(after.bytes()).isLessThan(before / 2);
      assertThat(dictionaryOf(after)).isNotZero();
    }
    assertReadable(written);
    try (Writer another = new Writer()) {
      assertThat(dictionaryOf(another.write(texts)))
          .as("used from the first batch on")
          .isEqualTo(dictionaryOf(written.get(written.size() - 2)));
    }
  }

  @Test
  void aDictionaryIsSharedWhateverDigitsTheLocaleOfTheMachineHas() {
    Locale machine = Locale.getDefault();
    Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
    try (Writer writer = new Writer()) {
      train(writer, texts);
      int used = dictionaryOf(writer.write(texts));
      try (Writer another = new Writer()) {
        assertThat(dictionaryOf(another.write(texts))).isNotZero().isEqualTo(used);
      }
    } finally {
      Locale.setDefault(machine);
    }
  }

  @Test
  void withoutTheOptionNoDictionaryIsTrainedOrUsedButOthersAreRead() {
    try (Writer writer = new Writer();
        Writer without = new Writer(settings(Login.NONE, false))) {
      train(without, texts);
      assertThat(dictionaryKeys()).isEmpty();
      train(writer, texts);
      writer.write(texts);
      assertThat(dictionaryOf(without.write(texts))).isZero();
      assertThat(without.load(written)).isEqualTo(payloads(written));
    }
  }

  @Test
  void aLostDictionaryIsRestoredWithinTenSeconds() {
    try (Writer writer = new Writer()) {
      train(writer, texts);
      Set<String> keys = dictionaryKeys();
      onEachNode(Jedis::flushAll);
      writer.pass(Duration.ofSeconds(10));
      Written after = writer.write(texts);
      assertThat(dictionaryKeys()).isEqualTo(keys);
      assertReadable(List.of(after));

      RedisKeys.dictionary(dictionaryOf(after)).forEach(redis::del);
      writer.pass(Duration.ofSeconds(10));
      assertReadable(List.of(writer.write(texts)));
      redis.del(CURRENT);
      writer.pass(Duration.ofSeconds(10));
      writer.write(texts);
      assertThat(dictionaryKeys()).isEqualTo(keys);
    }
  }

  @Test
  void losingANodeLosesNoDictionary() {
    try (Writer writer = new Writer()) {
      train(writer, texts);
      Written after = writer.write(texts);
      List<String> copies = RedisKeys.dictionary(dictionaryOf(after));
      Set<String> keys = dictionaryKeys();
      onEachNode(
          node ->
              assertThat(copies.stream().filter(node.keys("span-buf:dict:*")::contains))
                  .as("copies on a node")
                  .hasSize(1));
      redis.del(copies.get(0));
      redis.del(copies.get(1));
      assertReadable(List.of(after));
      writer.pass(Duration.ofSeconds(10));
      writer.write(texts);
      assertThat(dictionaryKeys()).isEqualTo(keys);
    }
  }

  @Test
  void payloadsOfALostDictionaryCountAsLostUntilItIsRestored() {
    try (Writer writer = new Writer();
        Writer reader = new Writer()) {
      train(writer, texts);
      Written after = writer.write(texts);
      List<String> keys = RedisKeys.dictionary(dictionaryOf(after));
      byte[] key = keys.get(1).getBytes(US_ASCII);
      byte[] dictionary = redis.get(key);
      keys.forEach(redis::del);
      assertThat(reader.load(List.of(after))).hasSize(PAYLOADS).containsOnlyNulls();
      redis.set(key, "something else".getBytes(US_ASCII));
      reader.pass(Duration.ofSeconds(1));
      assertThat(reader.load(List.of(after))).hasSize(PAYLOADS).containsOnlyNulls();
      redis.set(key, dictionary);
      assertThat(reader.load(List.of(after))).as("not asked again at once").containsOnlyNulls();
      reader.pass(Duration.ofSeconds(1));
      assertThat(reader.load(List.of(after))).isEqualTo(payloads(List.of(after)));
      redis.del(key);
      assertThat(reader.load(List.of(after)))
          .as("read without Redis's dictionary, once it is known")
          .isEqualTo(payloads(List.of(after)));
    }
  }

  @Test
  void aDictionaryOutlivesItsPayloads() {
    try (Writer writer = new Writer()) {
      train(writer, texts);
      for (String key : dictionaryKeys()) {
        assertThat(redis.ttl(key)).isGreaterThan(2 * TTL.toSeconds() - 60);
        redis.expire(key, 60);
      }
      writer.pass(Duration.ofSeconds(10));
      writer.write(texts);
      for (String key : dictionaryKeys()) {
        assertThat(redis.ttl(key)).isGreaterThan(2 * TTL.toSeconds() - 60);
      }
    }
  }

  @Test
  void aDayOldDictionaryIsReplaced() {
    SpanTexts later = new SpanTexts(2);
    try (Writer writer = new Writer();
        Writer another = new Writer()) {
      train(writer, texts);
      int old = dictionaryOf(writer.write(texts));
      assertThat(dictionaryOf(another.write(texts))).isEqualTo(old);

      writer.pass(Duration.ofHours(24).minusMinutes(1));
      train(writer, later);
      assertThat(dictionaryOf(writer.write(later))).isEqualTo(old);
      writer.pass(Duration.ofMinutes(2));
      train(writer, later);
      int now = dictionaryOf(writer.write(later));
      assertThat(now).isNotZero().isNotEqualTo(old);

      another.pass(Duration.ofSeconds(10));
      assertThat(dictionaryOf(another.write(later))).isEqualTo(now);
      assertThat(dictionaryKeys())
          .containsExactly(
              Stream.of(List.of(CURRENT), RedisKeys.dictionary(old), RedisKeys.dictionary(now))
                  .flatMap(List::stream)
                  .sorted()
                  .toArray(String[]::new));
    }
    assertReadable(written);
  }

  @Test
  void aForeignValueInPlaceOfTheDictionaryIsReplaced() {
    for (String wrong : List.of("nonsense", "00abcdef:" + START.toEpochMilli())) {
      redis.set(CURRENT, wrong);
      try (Writer writer = new Writer()) {
        train(writer, texts);
        int used = dictionaryOf(writer.write(texts));
        assertThat(redis.get(CURRENT)).startsWith("%08x:".formatted(used));
      }
    }
  }

  @Test
  void aWriterWithoutPermissionWritesWithoutADictionary() {
    onEachNode(
        node ->
            node.aclSetUser(
                "narrow",
                "on",
                ">pw",
                "+@all",
                "~span-buf:buckets",
                "~span-buf:t:*",
                "~span-buf:p:*"));
    try (Writer writer = new Writer(settings(new Login("narrow", "pw"), true))) {
      train(writer, texts);
      assertThat(dictionaryOf(writer.write(texts))).isZero();
      assertThat(dictionaryKeys()).isEmpty();
      assertThat(writer.load(written)).isEqualTo(payloads(written));
    } finally {
      onEachNode(node -> node.aclDelUser("narrow"));
    }
  }

  @Test
  void aDictionaryIsPublishedWhenAFullRedisHasRoomAgain() {
    Clock clock = new Clock();
    RetryPolicy retries = clock.retries();
    try (RedisPipelines pipelines = RedisPipelines.connect(settings().redis(), retries);
        PayloadCompression compression = new PayloadCompression(0);
        DictionaryKeeper keeper =
            new DictionaryKeeper(pipelines, compression, true, TTL, clock::nanos, clock::instant)) {
      onEachNode(node -> node.configSet("maxmemory", "1mb"));
      for (int i = 0; i < BATCHES; i++) {
        keeper.beginBatch();
        for (int j = 0; j < PAYLOADS; j++) {
          keeper.offer(texts.next());
        }
      }
      clock.pass(Duration.ofSeconds(1));
      keeper.beginBatch();
      assertThat(dictionaryKeys()).isEmpty();
      assertThat(compression.compress(texts.next())[1]).as("codec").isEqualTo((byte) 1);

      onEachNode(node -> node.configSet("maxmemory", "0"));
      keeper.beginBatch();
      assertThat(dictionaryKeys()).as("Redis is left alone for a minute").isEmpty();
      clock.pass(Duration.ofMinutes(1));
      keeper.beginBatch();
      assertThat(dictionaryKeys()).as("the current one's name, and three copies").hasSize(4);
      assertThat(compression.compress(texts.next())[1]).as("codec").isEqualTo((byte) 2);
    } finally {
      onEachNode(node -> node.configSet("maxmemory", "0"));
    }
  }

  @Test
  void readsPayloadsOfMoreDictionariesThanTheCacheHolds() {
    int dictionaries = KnownDictionaries.MOST + 4;
    List<byte[]> stored = new ArrayList<>();
    List<String> payloads = new ArrayList<>();
    for (int i = 0; i < dictionaries; i++) {
      SpanTexts traffic = new SpanTexts(100 + i);
      DictionaryTrainer trainer = new DictionaryTrainer(0);
      for (int j = 0; j < 50; j++) {
        trainer.offer(traffic.next());
      }
      byte[] payload = traffic.next();
      payloads.add(text(payload));
      try (CompressionDictionary dictionary = trainer.train().orElseThrow();
          PayloadCompression compression = new PayloadCompression(0)) {
        compression.useDictionary(dictionary);
        stored.add(compression.compress(payload));
        byte[] key = RedisKeys.dictionary(dictionary.id()).get(0).getBytes(US_ASCII);
        redis.set(key, dictionary.bytes());
      }
    }
    RetryPolicy retries = new Clock().retries();
    try (RedisPipelines pipelines = RedisPipelines.connect(settings().redis(), retries);
        KnownDictionaries known = new KnownDictionaries(pipelines, retries.clock());
        PayloadCompression compression =
            new PayloadCompression(PayloadCompression.OFF, known::find)) {
      for (int i = 0; i < 300; i++) {
        int which = i < dictionaries ? i : random.nextInt(dictionaries);
        assertThat(text(compression.decompress(stored.get(which), 1 << 20)))
            .isEqualTo(payloads.get(which));
      }
    }
  }

  @Test
  void orphanedPayloadsAreReadWithTheirDictionary() throws Exception {
    try (Writer writer = new Writer()) {
      train(writer, texts);
      assertThat(dictionaryOf(writer.write(texts))).isNotZero();
    }
    List<String> found = new ArrayList<>();
    try (OrphanedBuffer buffer = OrphanedBuffer.connect(settings())) {
      buffer.quarantine();
      OrphanedBuffer.Pages pages = buffer.pages();
      for (List<OrphanedTrace> page = pages.next(); page != null; page = pages.next()) {
        OrphanedBuffer.Contents contents =
            buffer.read(page, (trace, segment, id, frames) -> found.add(text(frames)));
        assertThat(contents.lostSubsegments()).isZero();
      }
    }
    assertThat(found).containsExactlyInAnyOrderElementsOf(payloads(written));
  }

  /** Gathers samples, and advances the clock until the dictionary made of them is in use. */
  private void train(Writer writer, SpanTexts traffic) {
    fill(writer, traffic);
    writer.pass(Duration.ofSeconds(10));
    writer.write(traffic);
  }

  private static void fill(Writer writer, SpanTexts traffic) {
    for (int i = 0; i < BATCHES; i++) {
      writer.write(traffic);
    }
  }

  private static int dictionaryOf(Written batch) {
    SmallPayload small = batch.stored.get(0).subsegments().get(0).small();
    String tag = Buckets.DEFAULT.tag(Buckets.DEFAULT.of(batch.stored.get(0).trace()));
    byte[] key = RedisKeys.ascii(RedisKeys.smallPayloads(tag, small.epoch(), small.checkpoint()));
    byte[] id = ByteBuffer.allocate(Long.BYTES).putLong(small.id()).array();
    byte[] stored = redis.hget(key, id);
    // Mark, codec, and a length of two bytes; behind it a frame of zstd.
    return (int) Zstd.getDictIdFromFrame(Arrays.copyOfRange(stored, 4, stored.length));
  }

  private void assertReadable(List<Written> batches) {
    try (Writer reader = new Writer()) {
      assertThat(reader.load(batches)).isEqualTo(payloads(batches));
    }
  }

  private static List<String> payloads(List<Written> batches) {
    return batches.stream()
        .flatMap(each -> each.batch.traces().stream())
        .map(trace -> text(trace.payload()))
        .toList();
  }

  private static String text(byte[] payload) {
    return payload == null ? null : new String(payload, US_ASCII);
  }

  /** A batch and the traces that storing it returned. */
  private record Written(SpanBatch batch, List<StoredTrace> stored) {
    long bytes() {
      return stored.stream()
          .flatMap(trace -> trace.subsegments().stream())
          .mapToLong(Subsegment::storedBytes)
          .sum();
    }
  }

  /** A clock that advances only on request. */
  private static final class Clock {
    private Duration passed = Duration.ZERO;

    void pass(Duration time) {
      passed = passed.plus(time);
    }

    long nanos() {
      return passed.toNanos();
    }

    Instant instant() {
      return START.plus(passed);
    }

    RetryPolicy retries() {
      return new RetryPolicy(Duration.ofSeconds(30), this::nanos, this::pass, () -> 0.5);
    }
  }

  /** A store with its own clock. */
  private final class Writer implements AutoCloseable {
    private final Clock clock = new Clock();
    private final SegmentStore store;

    Writer() {
      this(settings());
    }

    Writer(StoreSettings settings) {
      store = SegmentStore.connect(settings, clock.retries(), clock::instant);
    }

    void pass(Duration time) {
      clock.pass(time);
    }

    Written write(SpanTexts traffic) {
      List<TraceSpans> traces = new ArrayList<>();
      synchronized (random) {
        for (int i = 0; i < PAYLOADS; i++) {
          traces.add(trace(traffic.next()));
        }
      }
      SpanBatch batch = new SpanBatch(traces);
      Written result = new Written(batch, store.write(batch.in(new Generation(1, 1))));
      synchronized (written) {
        written.add(result);
      }
      return result;
    }

    private TraceSpans trace(byte[] payload) {
      long span = random.nextLong();
      return Shares.of(
          new TraceKey(1, random.nextLong(), random.nextLong()),
          0,
          List.of(new Part(random.nextLong(), span, true, new long[] {span}, payload)));
    }

    /** Returns the payload of each subsegment, null if there is none. */
    List<String> load(List<Written> batches) {
      List<DuePart> parts =
          batches.stream()
              .flatMap(each -> each.stored.stream())
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
      return store.load(parts).stream()
          .map(LoadedPart::slices)
          .flatMap(List::stream)
          .map(slice -> text(slice.frames()))
          .toList();
    }

    @Override
    public void close() {
      store.close();
    }
  }

  private static StoreSettings settings() {
    return settings(Login.NONE, true);
  }

  private static StoreSettings settings(Login login, boolean dictionary) {
    return new StoreSettings(
        new ConnectionSettings(cluster.uris(), login, null, Timeouts.DEFAULT),
        TTL,
        0,
        dictionary,
        RolloutPhase.DISTRIBUTED,
        Buckets.DEFAULT);
  }

  private static Set<String> dictionaryKeys() {
    Set<String> keys = new TreeSet<>();
    onEachNode(node -> keys.addAll(node.keys(CURRENT + "*")));
    return keys;
  }

  private static void onEachNode(Consumer<Jedis> what) {
    for (RedisNode node : cluster.nodes()) {
      try (Jedis jedis = node.connect()) {
        what.accept(jedis);
      }
    }
  }
}

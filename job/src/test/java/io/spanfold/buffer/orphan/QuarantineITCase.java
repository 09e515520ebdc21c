package io.spanfold.buffer.orphan;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.compression.PayloadCompression;
import io.spanfold.buffer.index.BucketTags;
import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.index.TraceField;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Login;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.payload.SpanFrames;
import io.spanfold.testing.RedisUnderTest;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;

/** Quarantine of handwritten indexes, and reading and removing them. */
class QuarantineITCase {

  private static final TraceKey TRACE = new TraceKey(1, 2, 3);
  private static final TraceKey LARGE = new TraceKey(1, 2, 4);
  private static final BucketTags TAGS = new BucketTags(Buckets.DEFAULT);
  private static final Duration TTL = Duration.ofHours(2);

  /** Frames of one span, from the index's point of view: any bytes of this length. */
  private static final int FRAME = (int) SpanFrames.length(1, 1);

  private static final int GENERATION_BYTES = 10;

  @TempDir static Path directory;
  private static RedisUnderTest server;
  private Jedis redis;

  /** A subsegment of one span, with a record of one byte. */
  private record Sub(long id, long payload, int offset) {}

  @BeforeAll
  static void start() {
    server = RedisUnderTest.start(directory);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @BeforeEach
  void open() {
    redis = new Jedis(server.uri());
  }

  @AfterEach
  void leaveNothing() {
    redis.configSet("maxmemory", "0");
    redis.flushAll();
    redis.close();
  }

  @Test
  void renamesTheIndexAndMergedPayloadsOnly() {
    writeAll();
    Map<byte[], byte[]> records = redis.hgetAll(ascii(traces()));
    Map<byte[], byte[]> large = redis.hgetAll(ascii(large()));

    assertThat(quarantine()).isEqualTo(2);

    assertThat(redis.keys("*"))
        .containsExactlyInAnyOrder(
            RedisKeys.quarantinedTraces(TAGS.of(TRACE), 0),
            RedisKeys.quarantinedTraces(TAGS.of(LARGE), 0),
            quarantinedLarge(0),
            quarantinedMerged(0, 5),
            quarantinedMerged(0, 6),
            small(1, 1),
            small(1, 2),
            RedisKeys.payload(LARGE, 300));
    assertThat(redis.keys("span-buf:ad:*"))
        .allMatch(key -> redis.ttl(key) > TTL.toSeconds() - 60 && redis.ttl(key) <= 7_200);
    assertEqual(redis.hgetAll(ascii(RedisKeys.quarantinedTraces(TAGS.of(TRACE), 0))), records);
    assertEqual(redis.hgetAll(ascii(quarantinedLarge(0))), large);
  }

  @Test
  void repeatingChangesNothing() {
    writeAll();
    quarantine();
    Set<String> keys = redis.keys("*");
    assertThat(quarantine()).isZero();
    assertThat(redis.keys("*")).isEqualTo(keys);
  }

  @Test
  void findsPayloadsInEachLayoutAndGeneration() throws Exception {
    writeAll();
    quarantine();
    try (OrphanedBuffer buffer = buffer()) {
      assertThat(read(buffer)).containsExactlyElementsOf(all(0));
      buffer.remove(traces(buffer));
    }
    assertThat(redis.keys("*")).isEmpty();
  }

  @Test
  void aDamagedPayloadIsLookedForInTheOtherLayouts() throws Exception {
    packed(1, new Sub(100, 7, 0), new Sub(101, 7, FRAME), new Sub(102, 8, 1_000));
    redis.hset(ascii(small(1, 1)), id(7), ascii("not a payload"));
    redis.hset(ascii(small(1, 1)), id(8), stored(frame('h')));
    redis.set(ascii(RedisKeys.payload(TRACE, 101)), stored(frame('d')));
    quarantine();
    try (OrphanedBuffer buffer = buffer()) {
      assertThat(read(buffer)).containsExactly(line(TRACE, 0, 1, 101, 'd'), "lost 2");
      // Another attempt has left the payload in another generation.
      redis.hset(ascii(small(2, 0)), id(7), stored(frame('e'), frame('f')));
    }
    try (OrphanedBuffer buffer = buffer()) {
      assertThat(read(buffer))
          .containsExactly(line(TRACE, 0, 1, 100, 'e'), line(TRACE, 0, 1, 101, 'f'), "lost 1");
    }
  }

  @Test
  void aLaterQuarantineOfTheSameBucketHasKeysOfItsOwn() throws Exception {
    writeAll();
    quarantine();
    // A former root is a child of another here, and a subsegment id is used again.
    large(
        Map.of(5L, 9L, 9L, 9L),
        Map.of(9L, List.of(new Sub(200, 0, 0), new Sub(210, 0, 0))),
        Map.of(200L, 5L));
    merged(9, 200, 'x');
    merged(9, 210, 'y');
    quarantine();
    packed(3, new Sub(110, 0, 0));
    quarantine();

    List<String> first = all(0);
    List<String> second = List.of(line(LARGE, 1, 9, 200, 'x'), line(LARGE, 1, 9, 210, 'y'));
    List<String> both = new ArrayList<>(new TreeSet<>(first));
    both.addAll(second);
    both.add("lost 1");
    try (OrphanedBuffer buffer = buffer()) {
      assertThat(read(buffer)).containsExactlyInAnyOrderElementsOf(both);
      buffer.remove(List.of(new OrphanedTrace(LARGE, TAGS.of(LARGE), 1)));
      assertThat(read(buffer)).doesNotContainAnyElementsOf(second).containsAll(first);
      buffer.remove(traces(buffer));
    }
    assertThat(redis.keys("*")).isEmpty();
  }

  @Test
  void aLargeTraceOfManyThousandFieldsLosesNothing() throws Exception {
    int segments = 1_500;
    Map<Long, Long> redirects = new HashMap<>();
    Map<Long, Long> filedUnder = new HashMap<>();
    Map<Long, List<Sub>> subs = new HashMap<>();
    List<String> expected = new ArrayList<>();
    Pipeline pipeline = redis.pipelined();
    for (long segment = 1; segment <= segments; segment++) {
      // The second was filed under its former name.
      long former = 1L << 60 | segment;
      redirects.put(segment, segment);
      redirects.put(former, segment);
      for (long span = 0; span < 50; span++) {
        redirects.put(segment << 32 | span, segment);
      }
      long first = 10_000 + segment;
      long second = 20_000 + segment;
      subs.put(segment, List.of(new Sub(first, first, 0), new Sub(second, 0, 0)));
      filedUnder.put(second, former);
      pipeline.hset(ascii(small(1, 1, LARGE)), id(first), stored(frame('s')));
      pipeline.hset(
          ascii(RedisKeys.merged(TAGS.of(LARGE), LARGE, segment)), id(second), stored(frame('m')));
      expected.add(line(LARGE, 0, segment, first, 's'));
      expected.add(line(LARGE, 0, segment, second, 'm'));
    }
    pipeline.sync();
    large(redirects, subs, filedUnder);
    long fields = redis.hlen(large());

    quarantine();

    assertThat(redis.hlen(quarantinedLarge(0))).isEqualTo(fields);
    assertThat(redis.keys("span-buf:[txm]:*")).isEmpty();
    try (OrphanedBuffer buffer = buffer()) {
      assertThat(read(buffer)).containsExactlyInAnyOrderElementsOf(expected);
      buffer.remove(traces(buffer));
    }
    assertThat(redis.keys("*")).isEmpty();
  }

  @Test
  void worksInAFullRedis() throws Exception {
    writeAll();
    redis.configSet("maxmemory", "1");
    assertThatThrownBy(() -> redis.set("x", "y")).hasMessageStartingWith("OOM");
    quarantine();
    try (OrphanedBuffer buffer = buffer()) {
      assertThat(read(buffer)).containsExactlyElementsOf(all(0));
      buffer.remove(traces(buffer));
    }
    assertThat(redis.keys("*")).isEmpty();
  }

  @Test
  void aQuarantineCutOffAtAnyKeyContinuesUnderTheSameNames() throws Exception {
    writeAll();
    Set<String> before = redis.keys("*");
    quarantine();
    Set<String> after = redis.keys("*");
    Set<String> both = new HashSet<>(before);
    both.addAll(after);
    for (String missing : redis.keys("span-buf:ad:*")) {
      redis.flushAll();
      writeAll();
      without(missing, both);
      try (OrphanedBuffer buffer = buffer(new Login("half", "secret"))) {
        assertThatThrownBy(buffer::quarantine).isInstanceOf(StoreException.class);
      }

      quarantine();

      assertThat(redis.keys("*")).as("after %s", missing).isEqualTo(after);
      try (OrphanedBuffer buffer = buffer()) {
        assertThat(read(buffer)).containsExactlyElementsOf(all(0));
      }
    }
  }

  @Test
  void aRemovalCutOffAtAnyKeyCanBeRepeated() throws Exception {
    writeAll();
    quarantine();
    Set<String> all = redis.keys("*");
    for (String missing : all) {
      redis.flushAll();
      writeAll();
      quarantine();
      without(missing, all);
      // A trace is read before it is removed.
      List<OrphanedTrace> traces;
      try (OrphanedBuffer buffer = buffer()) {
        traces = traces(buffer);
      }
      try (OrphanedBuffer buffer = buffer(new Login("half", "secret"))) {
        assertThatThrownBy(() -> buffer.remove(traces)).isInstanceOf(StoreException.class);
      }
      try (OrphanedBuffer buffer = buffer()) {
        buffer.remove(traces);
      }
      assertThat(redis.keys("*")).as("after %s", missing).isEmpty();
    }
  }

  @Test
  void needsTheRightsOfTheDocumentation() throws Exception {
    writeAll();
    String rules =
        "on >secret ~span-buf:* -@all +info +cluster|slots +script|load +evalsha +get +unlink"
            + " +expire +hget +hmget +hdel +hlen +scan +hscan +exists +renamenx";
    redis.aclSetUser("spanfold", rules.split(" "));
    try (OrphanedBuffer buffer = buffer(new Login("spanfold", "secret"))) {
      assertThat(buffer.quarantine()).isEqualTo(2);
      assertThat(read(buffer)).containsExactlyElementsOf(all(0));
      buffer.remove(traces(buffer));
    } finally {
      redis.aclDelUser("spanfold");
    }
    assertThat(redis.keys("*")).isEmpty();
  }

  /** Writes a packed and a large trace with payloads in each layout and two generations. */
  private void writeAll() {
    packed(1, new Sub(100, 7, 0), new Sub(101, 7, 2 * FRAME), new Sub(102, 8, 0));
    // What is between them was flushed.
    redis.hset(ascii(small(1, 1)), id(7), stored(frame('a'), frame('-'), frame('b')));
    redis.hset(ascii(small(1, 2)), id(8), stored(frame('c')));
    large(
        Map.of(5L, 5L, 6L, 6L, 7L, 6L),
        Map.of(
            5L, List.of(new Sub(200, 0, 0), new Sub(300, 0, 0)),
            6L, List.of(new Sub(201, 0, 0))),
        Map.of(201L, 7L));
    merged(5, 200, 'm');
    merged(6, 201, 'n');
    redis.set(ascii(RedisKeys.payload(LARGE, 300)), stored(frame('d')));
  }

  /** Returns what {@link #writeAll} wrote, as {@link #read} returns it. */
  private static List<String> all(int round) {
    return List.of(
        line(TRACE, round, 1, 100, 'a'),
        line(TRACE, round, 1, 101, 'b'),
        line(TRACE, round, 1, 102, 'c'),
        line(LARGE, round, 5, 200, 'm'),
        line(LARGE, round, 6, 201, 'n'),
        line(LARGE, round, 5, 300, 'd'));
  }

  private static String line(TraceKey trace, int round, long segment, long id, char payload) {
    return "%s %d %d %d %s".formatted(trace, round, id, segment, payload);
  }

  /** Returns lines: trace, round, subsegment, segment, payload. */
  private static List<String> read(OrphanedBuffer buffer) throws InterruptedException {
    Map<String, String> found = new TreeMap<>();
    OrphanedBuffer.Contents contents =
        buffer.read(
            traces(buffer),
            (trace, segment, id, frames) -> {
              assertThat(frames).hasSize(FRAME).containsOnly(frames[0]);
              String name = trace.trace() + " " + trace.round() + " " + id;
              assertThat(
                      found.put(
                          name, line(trace.trace(), trace.round(), segment, id, (char) frames[0])))
                  .isNull();
            });
    List<String> lines = new ArrayList<>(found.values());
    if (contents.lostSubsegments() > 0) {
      lines.add("lost " + contents.lostSubsegments());
    }
    return lines;
  }

  private static List<OrphanedTrace> traces(OrphanedBuffer buffer) {
    List<OrphanedTrace> traces = new ArrayList<>();
    OrphanedBuffer.Pages pages = buffer.pages();
    for (List<OrphanedTrace> page = pages.next(); page != null; page = pages.next()) {
      traces.addAll(page);
    }
    return traces;
  }

  private static long quarantine() {
    try (OrphanedBuffer buffer = buffer()) {
      return buffer.quarantine();
    }
  }

  private static OrphanedBuffer buffer() {
    return buffer(Login.NONE);
  }

  private static OrphanedBuffer buffer(Login login) {
    return OrphanedBuffer.connect(
        new StoreSettings(
            new ConnectionSettings(List.of(server.uri()), login, null, Timeouts.DEFAULT),
            TTL,
            0,
            true,
            RolloutPhase.DISTRIBUTED,
            Buckets.DEFAULT));
  }

  /** Makes a user that may use all of {@code keys} but one. */
  private void without(String missing, Set<String> keys) {
    List<String> rules = new ArrayList<>(List.of("reset", "on", ">secret", "+@all"));
    keys.stream().filter(key -> !key.equals(missing)).forEach(key -> rules.add("~" + key));
    redis.aclSetUser("half", rules.toArray(String[]::new));
  }

  private void packed(long segment, Sub... subs) {
    ByteBuffer record = ByteBuffer.allocate(1_000).put((byte) 1).putInt(1_000);
    record.putShort((short) 0).putShort((short) 0).putShort((short) subs.length).put((byte) 1);
    record.putLong(segment);
    for (Sub sub : subs) {
      record.putLong(sub.id).putLong(sub.payload).putInt(sub.offset).putInt(1).putInt(1);
      record.put(new byte[GENERATION_BYTES]);
    }
    record(TRACE, Arrays.copyOf(record.array(), record.position()));
  }

  private void record(TraceKey trace, byte[] record) {
    byte[] key = ascii(RedisKeys.traces(TAGS.of(trace)));
    redis.hset(key, TraceField.SENTINEL, ascii("x".repeat(65)));
    redis.hset(key, TraceField.of(trace), record);
  }

  /** Writes the record of the large trace; what is not filed elsewhere is under its segment. */
  private void large(
      Map<Long, Long> redirects, Map<Long, List<Sub>> subs, Map<Long, Long> filedUnder) {
    record(LARGE, ByteBuffer.allocate(5).put((byte) 3).putInt(1_000).array());
    Pipeline pipeline = redis.pipelined();
    byte[] key = ascii(large());
    redirects.forEach((from, to) -> pipeline.hset(key, id(from), id(to)));
    subs.forEach(
        (segment, all) -> {
          pipeline.hset(key, field('s', segment), ascii(all.size() + " 1 1 1"));
          for (Sub sub : all) {
            byte[] value =
                ByteBuffer.allocate(2 * Long.BYTES + 3 * Integer.BYTES + GENERATION_BYTES)
                    .putLong(filedUnder.getOrDefault(sub.id, segment))
                    .putLong(sub.payload)
                    .putInt(sub.offset)
                    .putInt(1)
                    .putInt(1)
                    .array();
            pipeline.hset(key, field('m', sub.id), value);
          }
        });
    pipeline.hset(key, ascii("subsegments"), ascii("1"));
    pipeline.hset(key, ascii("merged"), ascii("1"));
    pipeline.sync();
  }

  private void merged(long segment, long subsegment, char payload) {
    redis.hset(
        ascii(RedisKeys.merged(TAGS.of(LARGE), LARGE, segment)),
        id(subsegment),
        stored(frame(payload)));
  }

  private static byte[] frame(char content) {
    byte[] frame = new byte[FRAME];
    Arrays.fill(frame, (byte) content);
    return frame;
  }

  private static byte[] stored(byte[]... frames) {
    ByteBuffer payload = ByteBuffer.allocate(frames.length * FRAME);
    Arrays.stream(frames).forEach(payload::put);
    try (PayloadCompression plain = new PayloadCompression(PayloadCompression.OFF)) {
      return plain.compress(payload.array());
    }
  }

  private static void assertEqual(Map<byte[], byte[]> actual, Map<byte[], byte[]> expected) {
    assertThat(strings(actual)).isEqualTo(strings(expected));
  }

  private static Map<String, String> strings(Map<byte[], byte[]> fields) {
    Map<String, String> strings = new HashMap<>();
    fields.forEach((name, value) -> strings.put(Arrays.toString(name), Arrays.toString(value)));
    return strings;
  }

  private static String traces() {
    return RedisKeys.traces(TAGS.of(TRACE));
  }

  private static String large() {
    return RedisKeys.largeTrace(TAGS.of(LARGE), LARGE);
  }

  private static String small(long epoch, long checkpoint) {
    return small(epoch, checkpoint, TRACE);
  }

  private static String small(long epoch, long checkpoint, TraceKey trace) {
    return RedisKeys.smallPayloads(TAGS.of(trace), epoch, checkpoint);
  }

  private static String quarantinedLarge(int round) {
    return RedisKeys.quarantinedLargeTrace(TAGS.of(LARGE), round, LARGE);
  }

  private static String quarantinedMerged(int round, long segment) {
    return RedisKeys.quarantinedMerged(TAGS.of(LARGE), round, LARGE, segment);
  }

  private static byte[] field(char letter, long id) {
    return ByteBuffer.allocate(1 + Long.BYTES).put((byte) letter).putLong(id).array();
  }

  private static byte[] id(long id) {
    return ByteBuffer.allocate(Long.BYTES).putLong(id).array();
  }

  private static byte[] ascii(String text) {
    return text.getBytes(US_ASCII);
  }
}

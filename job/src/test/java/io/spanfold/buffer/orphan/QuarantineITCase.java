package io.spanfold.buffer.orphan;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.compression.PayloadCompression;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Login;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisScript;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.TraceKey;
import io.spanfold.testing.RedisUnderTest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.exceptions.JedisDataException;

/** Quarantine of handwritten indexes, and reading them. */
class QuarantineITCase {

  private static final TraceKey TRACE = new TraceKey(1, 2, 3);
  private static final String INDEX = RedisKeys.index(TRACE);
  private static final String SMALL = RedisKeys.smallPayloads(TRACE);
  private static final RedisScript SCRIPT = RedisScript.load("quarantine.lua");
  private static final Duration TTL = Duration.ofHours(2);

  @TempDir static Path directory;
  private static RedisUnderTest server;
  private Jedis redis;

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
  void renamesIndexSmallAndMergedPayloadsOnly() {
    segment(1, 100, 200);
    segment(7, 300);
    small(100);
    merged(1, 200);
    merged(7, 300);
    redis.set(RedisKeys.payload(TRACE, 200), "distributed");
    redis.set("span-buf:s:{1:" + "0".repeat(32) + "}:" + Hex.id(1), "another's");
    Map<String, String> before = redis.hgetAll(INDEX);

    assertThat(quarantine()).isEqualTo(1);

    assertThat(redis.keys("*"))
        .containsExactlyInAnyOrder(
            quarantined("ssr", 0),
            quarantined("sp", 0),
            quarantined("s", 0) + ":" + Hex.id(1),
            quarantined("s", 0) + ":" + Hex.id(7),
            RedisKeys.payload(TRACE, 200),
            "span-buf:s:{1:" + "0".repeat(32) + "}:" + Hex.id(1));
    assertThat(redis.hgetAll(quarantined("ssr", 0))).isEqualTo(before);
    assertThat(redis.keys("span-buf:ad:*"))
        .allMatch(key -> redis.ttl(key) > TTL.toSeconds() - 60 && redis.ttl(key) <= 7_200);
  }

  @Test
  void repeatingChangesNothing() {
    segment(1, 100);
    small(100);
    quarantine();
    Set<String> keys = redis.keys("*");
    assertThat(quarantine()).isZero();
    assertThat(redis.keys("*")).isEqualTo(keys);
  }

  @Test
  void aLaterQuarantineOfTheSameTraceHasKeysOfItsOwn() throws Exception {
    segment(1, 100);
    small(100);
    quarantine();
    // A former root is a child of another here, and a subsegment id is used again.
    segment(5, 100, 200);
    redis.hset(INDEX, Hex.id(1), Hex.id(5));
    small(200);
    merged(5, 100);
    quarantine();
    segment(6, 300);
    quarantine();

    try (OrphanedBuffer buffer = buffer()) {
      assertThat(read(buffer))
          .containsExactly("0 1 100 small", "1 5 100 merged", "1 5 200 small", "lost 1");
      buffer.remove(List.of(new OrphanedTrace(TRACE, 1)));
      assertThat(read(buffer)).containsExactly("0 1 100 small", "lost 1");

      segment(8, 400);
      small(400);
      quarantine();
      assertThat(read(buffer)).containsExactly("0 1 100 small", "1 8 400 small", "lost 1");
      buffer.remove(traces(buffer));
    }
    assertThat(redis.keys("*")).isEmpty();
  }

  @Test
  void anIndexOfManyThousandFieldsLosesNothing() throws Exception {
    int segments = 1_500;
    Pipeline pipeline = redis.pipelined();
    List<String> expected = new ArrayList<>();
    for (long segment = 1; segment <= segments; segment++) {
      Map<String, String> fields = fieldsOf(segment, 10_000 + segment, 20_000 + segment);
      for (long span = 0; span < 100; span++) {
        fields.put(Hex.id(segment << 32 | span), Hex.id(segment));
      }
      // The second was filed under its former name.
      long former = 1L << 60 | segment;
      fields.put(Hex.id(former), Hex.id(segment));
      fields.put("n" + Hex.id(former), "");
      fields.put("m" + Hex.id(20_000 + segment), Hex.id(former));
      pipeline.hset(INDEX, fields);
      pipeline.hset(
          SMALL.getBytes(US_ASCII), Map.of(ascii(Hex.id(10_000 + segment)), stored("small")));
      pipeline.sadd(ascii(RedisKeys.segment(TRACE, segment)), member(20_000 + segment));
      expected.add("0 " + segment + " " + (10_000 + segment) + " small");
      expected.add("0 " + segment + " " + (20_000 + segment) + " merged");
    }
    pipeline.hset(INDEX, "merged", "1");
    pipeline.sync();
    long fields = redis.hlen(INDEX);

    quarantine();

    assertThat(redis.hlen(quarantined("ssr", 0))).isEqualTo(fields);
    assertThat(redis.keys("*")).allMatch(key -> key.startsWith("span-buf:ad:"));
    try (OrphanedBuffer buffer = buffer()) {
      assertThat(read(buffer)).containsExactlyInAnyOrderElementsOf(expected);
      buffer.remove(traces(buffer));
    }
    assertThat(redis.keys("*")).isEmpty();
  }

  @Test
  void runsInAFullRedis() throws Exception {
    segment(1, 100, 200);
    small(100);
    merged(1, 200);
    redis.configSet("maxmemory", "1");
    assertThatThrownBy(() -> redis.set("x", "y")).hasMessageStartingWith("OOM");
    quarantine();
    try (OrphanedBuffer buffer = buffer()) {
      assertThat(read(buffer)).containsExactly("0 1 100 small", "0 1 200 merged");
      buffer.remove(traces(buffer));
    }
    assertThat(redis.keys("*")).isEmpty();
  }

  @Test
  void anInterruptedQuarantineContinuesUnderTheSameKeys() throws Exception {
    segment(1, 100, 200);
    segment(7, 300);
    small(100);
    merged(1, 200);
    merged(7, 300);
    // A failed script keeps its effects: here everything before the second merged set.
    redis.aclSetUser(
        "half",
        "on",
        "nopass",
        "+@all",
        "~span-buf:s*",
        "~span-buf:ad:ssr:*",
        "~span-buf:ad:sp:*",
        "~" + quarantined("s", 0) + ":" + Hex.id(1));
    try (Jedis half = new Jedis(server.uri())) {
      half.auth("half", "");
      assertThatThrownBy(() -> quarantine(half)).isInstanceOf(JedisDataException.class);
    }
    redis.aclDelUser("half");
    assertThat(redis.keys("*")).contains(quarantined("sp", 0), INDEX);

    quarantine();

    try (OrphanedBuffer buffer = buffer()) {
      assertThat(read(buffer)).containsExactly("0 1 100 small", "0 1 200 merged", "0 7 300 merged");
    }
  }

  @Test
  void needsThePermissionsOfTheReadme() throws Exception {
    segment(1, 100, 200, 300);
    small(100);
    merged(1, 200);
    redis.set(ascii(RedisKeys.payload(TRACE, 300)), stored("distributed"));
    String rules =
        "on >secret ~span-buf:* -@all +info +cluster|slots +script|load +evalsha +get +unlink"
            + " +expire +rename +hget +hmget +sscan +scan +hscan +exists";
    redis.aclSetUser("spanfold", rules.split(" "));
    try (OrphanedBuffer buffer =
        OrphanedBuffer.connect(settings(new Login("spanfold", "secret")))) {
      assertThat(buffer.quarantine()).isEqualTo(1);
      assertThat(read(buffer))
          .containsExactly("0 1 100 small", "0 1 200 merged", "0 1 300 distributed");
      buffer.remove(traces(buffer));
    } finally {
      redis.aclDelUser("spanfold");
    }
    assertThat(redis.keys("*")).isEmpty();
  }

  @Test
  void findsPayloadsInEachLayoutAndDamagedOnesInAnother() throws Exception {
    segment(1, LongStream.rangeClosed(100, 300).toArray());
    for (long id = 100; id < 200; id++) {
      small(id);
    }
    redis.hset(ascii(SMALL), ascii(Hex.id(100)), ascii("not a payload"));
    redis.set(ascii(RedisKeys.payload(TRACE, 100)), stored("distributed"));
    redis.set(ascii(RedisKeys.payload(TRACE, 200)), stored("distributed"));
    for (long id = 201; id < 300; id++) {
      merged(1, id);
    }
    quarantine();
    try (OrphanedBuffer buffer = buffer()) {
      List<String> found = read(buffer);
      assertThat(found).hasSize(201);
      assertThat(found).contains("0 1 100 distributed", "0 1 200 distributed", "lost 1");
      assertThat(found).filteredOn(line -> line.endsWith("small")).hasSize(99);
      assertThat(found).filteredOn(line -> line.endsWith("merged")).hasSize(99);
    }
  }

  /** Returns lines: round, segment, subsegment, payload. */
  private static List<String> read(OrphanedBuffer buffer) throws InterruptedException {
    Map<String, String> found = new TreeMap<>();
    OrphanedBuffer.Contents contents =
        buffer.read(
            traces(buffer),
            (trace, segment, id, frames) -> {
              String name = trace.round() + " " + segment + " " + id;
              assertThat(found.put(name, name + " " + new String(frames, US_ASCII))).isNull();
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

  private static OrphanedBuffer buffer() {
    return OrphanedBuffer.connect(settings(Login.NONE));
  }

  private static StoreSettings settings(Login login) {
    return new StoreSettings(
        new ConnectionSettings(List.of(server.uri()), login, null, Timeouts.DEFAULT),
        TTL,
        0,
        true,
        RolloutPhase.DISTRIBUTED);
  }

  private long quarantine() {
    return quarantine(redis);
  }

  private static long quarantine(Jedis redis) {
    return (Long)
        redis.eval(
            new String(SCRIPT.text(), US_ASCII),
            List.of(INDEX),
            List.of(String.valueOf(TTL.toSeconds())));
  }

  private void segment(long segment, long... subsegments) {
    redis.hset(INDEX, fieldsOf(segment, subsegments));
  }

  private static Map<String, String> fieldsOf(long segment, long... subsegments) {
    Map<String, String> fields = new HashMap<>();
    fields.put(Hex.id(segment), Hex.id(segment));
    fields.put("s" + Hex.id(segment), subsegments.length + " 1 1 1");
    for (long id : subsegments) {
      fields.put("m" + Hex.id(id), Hex.id(segment));
    }
    return fields;
  }

  private void small(long subsegment) {
    redis.hset(ascii(SMALL), ascii(Hex.id(subsegment)), stored("small"));
  }

  private void merged(long segment, long subsegment) {
    redis.hset(INDEX, "merged", "1");
    redis.sadd(ascii(RedisKeys.segment(TRACE, segment)), member(subsegment));
  }

  private static byte[] member(long subsegment) {
    byte[] stored = stored("merged");
    byte[] member = Arrays.copyOf(ascii(Hex.id(subsegment)), 16 + stored.length);
    System.arraycopy(stored, 0, member, 16, stored.length);
    return member;
  }

  private static byte[] stored(String payload) {
    try (PayloadCompression plain = new PayloadCompression(PayloadCompression.OFF)) {
      return plain.compress(ascii(payload));
    }
  }

  private static String quarantined(String kind, int round) {
    return "span-buf:ad:" + kind + ":{" + TRACE + "}:" + round;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(US_ASCII);
  }
}

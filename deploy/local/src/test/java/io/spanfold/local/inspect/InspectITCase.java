package io.spanfold.local.inspect;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.cli.UsageException;
import io.spanfold.local.servers.RunDirectory;
import io.spanfold.local.servers.RunningRedis;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.assertj.core.util.Throwables;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.params.SetParams;
import redis.clients.jedis.util.JedisClusterCRC16;

/** Inspects a Redis Cluster with a password, whose index the job's scripts wrote. */
class InspectITCase {

  private static final String SECRET = "not-to-be-printed";
  private static final int SLOTS = 16_384;
  private static final long DAY = 86_400;
  private static final String TRACE = "1:" + "0a".repeat(16);
  private static final String OTHER = "12:" + "0a".repeat(16);
  private static final String ROOT = "00000000000000a1";
  private static final String CHILD = "00000000000000a2";
  private static final String LATE_PARENT = "00000000000000c1";

  /** Layouts, as {@code add-subsegments.lua} numbers them. */
  private static final String NOWHERE = "0";

  private static final String MERGED = "1";
  private static final String SMALL = "4";

  private static final String GRANDCHILD = "00000000000000c2";

  @TempDir private static Path directory;
  private static RedisCluster redis;
  private static Path password;
  private static String addSubsegments;
  private static String quarantine;

  @BeforeAll
  static void start() throws Exception {
    redis = RedisCluster.start(RedisNode.Options.in(directory).withPassword(SECRET));
    password = Files.writeString(directory.resolve("password"), SECRET + "\nnot this\n");
    addSubsegments = Files.readString(Path.of("../../lua/add-subsegments.lua"));
    quarantine = Files.readString(Path.of("../../lua/quarantine.lua"));
  }

  @AfterAll
  static void stop() {
    redis.close();
  }

  @BeforeEach
  void wipe() {
    redis.nodes().forEach(node -> on(node, Jedis::flushAll));
  }

  @Test
  void showsATrace() {
    String own = id(0xb1);
    String merged = id(0xb2);
    String both = id(0xb3);
    String small = id(0xb4);
    String orphan = id(0xb9);
    add(TRACE, own, ROOT, true, 300, ROOT + CHILD, NOWHERE, "");
    add(TRACE, merged, LATE_PARENT, false, 200, GRANDCHILD, MERGED, payload(200));
    add(TRACE, both, ROOT, false, 100, LATE_PARENT, MERGED, payload(90));
    add(TRACE, small, CHILD, false, 50, id(0xd1), SMALL, payload(50));
    String ownNode = set(payloadKey(TRACE, own), payload(4_000), DAY - 3_700);
    String bothNode = set(payloadKey(TRACE, both), payload(90), DAY - 30);
    String orphanNode = set(payloadKey(TRACE, orphan), "what is this", DAY + 100);
    small(TRACE, id(0xba), payload(60));
    set("span-buf:fl:span-buf:s:{" + TRACE + "}:" + ROOT, "job:17", 290);
    add(OTHER, id(0xb5), ROOT, true, 300, ROOT, NOWHERE, "");
    String node = nodeOf(TRACE);

    assertThat(inspect("--trace", TRACE))
        .satisfiesExactly(
            line ->
                assertThat(line)
                    .matches(
                        ("trace %s on %s: segments 1, subsegments 4, redirects 5,"
                                + " ends in (24 h 0|23 h 59) min")
                            .formatted(TRACE, node)),
            line ->
                assertThat(line)
                    .matches(
                        "  segment 00000000000000a1: root known, spans 5, record bytes 650,"
                            + " formerly 00000000000000c1,"
                            + " locked by job:17 for 4 min \\d+ s"),
            line ->
                assertThat(line)
                    .matches(
                        "    subsegment %s: distributed 4 bytes \\(4,000 unpacked\\) on %s, 1 h 1 min old"
                            .formatted(own, ownNode)),
            line ->
                assertThat(line)
                    .isEqualTo(
                        "    subsegment %s: merged 4 bytes (200 unpacked) on %s"
                            .formatted(merged, node)),
            line ->
                assertThat(line)
                    .matches(
                        "    subsegment %s: merged 3 bytes \\(90 unpacked\\) on %s and distributed 3 bytes \\(90 unpacked\\) on %s, 3\\d s old"
                            .formatted(both, node, bothNode)),
            line ->
                assertThat(line)
                    .isEqualTo(
                        "    subsegment %s: small 3 bytes (50 unpacked) on %s"
                            .formatted(small, node)),
            line ->
                assertThat(line)
                    .matches(
                        "  subsegment %s: distributed 12 bytes \\(of unknown form\\) on %s, ends in 24 h 1 min; not in the index"
                            .formatted(orphan, orphanNode)),
            line ->
                assertThat(line)
                    .isEqualTo(
                        "  subsegment %s: small 3 bytes (60 unpacked) on %s; not in the index"
                            .formatted(id(0xba), node)));
  }

  @Test
  void showsQuarantinedTracesSeparately() {
    String before = id(0xb1);
    String after = id(0xb2);
    String merged = id(0xb3);
    add(TRACE, before, ROOT, true, 300, ROOT, SMALL, payload(70));
    add(TRACE, merged, ROOT, false, 200, CHILD, MERGED, payload(200));
    String node = nodeOf(TRACE);
    quarantine(TRACE);
    add(TRACE, after, ROOT, true, 100, ROOT, NOWHERE, "");
    quarantine(TRACE);
    add(TRACE, id(0xb4), LATE_PARENT, false, 100, GRANDCHILD, NOWHERE, "");
    String afterNode = set(payloadKey(TRACE, after), payload(90), DAY - 30);

    assertThat(inspect("--trace", TRACE))
        .satisfiesExactly(
            line -> assertThat(line).startsWith("trace " + TRACE + " on " + node + ": segments 1,"),
            line -> assertThat(line).startsWith("  segment " + LATE_PARENT + ": no root yet"),
            line -> assertThat(line).endsWith("subsegment " + id(0xb4) + ": no payload"),
            line ->
                assertThat(line)
                    .startsWith(
                        "trace %s, quarantined (0), on %s: segments 1, subsegments 2"
                            .formatted(TRACE, node)),
            line -> assertThat(line).startsWith("  segment " + ROOT + ": root known, spans 2"),
            line -> assertThat(line).contains(before + ": small 3 bytes (70 unpacked) on " + node),
            line ->
                assertThat(line).contains(merged + ": merged 4 bytes (200 unpacked) on " + node),
            line ->
                assertThat(line)
                    .startsWith(
                        "trace %s, quarantined (1), on %s: segments 1, subsegments 1"
                            .formatted(TRACE, node)),
            line -> assertThat(line).startsWith("  segment " + ROOT + ": root known, spans 1"),
            line -> assertThat(line).contains(after + ": distributed 3 bytes").contains(afterNode));
  }

  @Test
  void findsATraceInAllProjectsAndReportsMissingPayloads() {
    add(TRACE, id(0xb1), ROOT, true, 300, ROOT, NOWHERE, "");
    add(OTHER, id(0xb2), LATE_PARENT, false, 100, GRANDCHILD, NOWHERE, "");

    assertThat(inspect("--trace", "0A".repeat(4) + "-" + "0a".repeat(12)))
        .satisfiesExactly(
            line -> assertThat(line).startsWith("trace 12:0a0a"),
            line -> assertThat(line).contains("segment 00000000000000c1: no root yet, spans 1"),
            line -> assertThat(line).endsWith("subsegment " + id(0xb2) + ": no payload"),
            line -> assertThat(line).startsWith("trace 1:0a0a"),
            line -> assertThat(line).contains("root known, spans 1").endsWith("not locked"),
            line -> assertThat(line).endsWith("subsegment " + id(0xb1) + ": no payload"));
    assertThat(inspect("--trace", "3:" + "0a".repeat(16)))
        .containsExactly("the buffer holds nothing of trace 3:" + "0a".repeat(16));
  }

  @Test
  void showsTheLeaseAndTheKeysByNode() {
    lease();
    set("foreign", "x", DAY);
    add(TRACE, id(0xb1), ROOT, true, 300, ROOT, NOWHERE, "");

    List<String> lines = inspect();

    assertThat(lines.get(0))
        .startsWith("lease: buffer main of job first since 1970-01-01T00:00:05Z");
    assertThat(lines.subList(1, 4))
        .containsExactlyInAnyOrderElementsOf(
            redis.nodes().stream()
                .map(RedisNode::address)
                .map(
                    node ->
                        node.toString().equals(nodeOf(TRACE))
                            ? node + ": 1 keys (ssr 1)"
                            : node + ": 0 keys")
                .toList());
  }

  @Test
  void purgesOnlyWithYes() {
    fill(10);
    List<String> before = keys();

    assertThat(inspect("--purge")).last().asString().startsWith("nothing was deleted");

    assertThat(keys()).isEqualTo(before);
    assertThatThrownBy(() -> inspect("--yes")).isInstanceOf(UsageException.class);
  }

  @Test
  void doesNotPurgeWhileAJobHasTheLease() {
    fill(10);
    lease();
    List<String> before = keys();

    assertThatThrownBy(() -> inspect("--purge", "--yes"))
        .isInstanceOf(FailedRunException.class)
        .hasMessageContaining("buffer main of job first")
        .hasMessageContaining("stop it permanently first");

    assertThat(keys()).isEqualTo(before);
  }

  @Test
  void purgesAllKeysOfTheBufferOnEachNodeAndNoOthers() {
    fill(5_000);
    set("foreign", "x", DAY);
    set("span-buffer", "x", DAY);

    List<String> lines = inspect("--purge", "--yes");

    assertThat(keys()).containsExactly("foreign", "span-buffer");
    assertThat(lines.subList(1, 4))
        .allMatch(line -> line.matches("127.0.0.1:\\d+: 1,\\d+ keys \\(.*"));
    assertThat(
            lines.stream()
                .filter(line -> line.contains(" keys "))
                .mapToInt(
                    line ->
                        Integer.parseInt(
                            line.replaceAll(".*: ([0-9,]+) keys.*", "$1").replace(",", "")))
                .sum())
        .isEqualTo(5_001);
  }

  @Test
  void neverPrintsThePassword() throws Exception {
    Path wrong = Files.writeString(directory.resolve("wrong"), "a-wrong-secret");
    assertThat(String.join("\n", inspect("--purge"))).doesNotContain(SECRET);
    assertThatThrownBy(
            () ->
                run(
                    Map.of(),
                    "--redis-uri",
                    redis.uriList(),
                    "--redis-password-file",
                    wrong.toString()))
        .isInstanceOf(FailedRunException.class)
        .hasMessageContaining("WRONGPASS")
        .satisfies(e -> assertThat(Throwables.getStackTrace(e)).doesNotContain("a-wrong-secret"));
    assertThatThrownBy(() -> run(Map.of(), "--redis-uri", "redis://u:" + SECRET + "@127.0.0.1:1"))
        .isInstanceOf(UsageException.class)
        .hasMessageNotContaining(SECRET);
    assertThat(run(Map.of("SPANFOLD_REDIS_PASSWORD", SECRET), "--redis-uri", redis.uriList()))
        .first()
        .asString()
        .startsWith("lease: none");
  }

  @Test
  void findsTheRedisOfTheOnlyRun(@TempDir Path runs) {
    assertThatThrownBy(() -> RunningRedis.find(runs))
        .hasMessageContaining("no deploy/local.sh is running");
    try (RunDirectory first = RunDirectory.create(runs)) {
      RunningRedis.announce(first, "redis://127.0.0.1:7000,redis://127.0.0.1:7001");
      assertThat(RunningRedis.find(runs))
          .isEqualTo("redis://127.0.0.1:7000,redis://127.0.0.1:7001");
      try (RunDirectory second = RunDirectory.create(runs)) {
        RunningRedis.announce(second, "redis://127.0.0.1:8000");
        assertThatThrownBy(() -> RunningRedis.find(runs)).hasMessageContaining("several");
      }
    }
  }

  private static List<String> inspect(String... arguments) {
    List<String> all =
        new ArrayList<>(
            List.of("--redis-uri", redis.uriList(), "--redis-password-file", password.toString()));
    all.addAll(List.of(arguments));
    return run(Map.of(), all.toArray(String[]::new));
  }

  private static List<String> run(Map<String, String> environment, String... arguments) {
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    new Inspect(directory, environment::get, new PrintStream(output, true, UTF_8))
        .run(List.of(arguments));
    return output.toString(UTF_8).lines().toList();
  }

  private static void add(
      String trace,
      String subsegment,
      String parent,
      boolean root,
      int bytes,
      String spans,
      String filed,
      String payload) {
    String key = "span-buf:ssr:{" + trace + "}";
    List<String> arguments =
        List.of(
            String.valueOf(DAY),
            filed,
            subsegment,
            parent,
            root ? "1" : "0",
            String.valueOf(bytes),
            spans,
            payload);
    // One byte per character of a payload.
    List<byte[]> raw = arguments.stream().map(text -> text.getBytes(ISO_8859_1)).toList();
    on(
        owner(key),
        jedis -> jedis.eval(addSubsegments.getBytes(UTF_8), List.of(key.getBytes(UTF_8)), raw));
  }

  /** Writes a small payload that is not in the index. */
  private static void small(String trace, String subsegment, String payload) {
    String key = "span-buf:sp:{" + trace + "}";
    on(
        owner(key),
        jedis -> {
          jedis.hset(key.getBytes(UTF_8), subsegment.getBytes(UTF_8), payload.getBytes(ISO_8859_1));
          return jedis.expire(key, DAY);
        });
  }

  private static void quarantine(String trace) {
    String key = "span-buf:ssr:{" + trace + "}";
    on(owner(key), jedis -> jedis.eval(quarantine, List.of(key), List.of(String.valueOf(DAY))));
  }

  /** Returns a stored payload's header: mark, codec, length. */
  private static String payload(int unpacked) {
    String length =
        unpacked < 128
            ? String.valueOf((char) unpacked)
            : String.valueOf((char) (unpacked & 0x7F | 0x80)) + (char) (unpacked >> 7);
    return "\u00B1\u0001" + length;
  }

  private static String payloadKey(String trace, String subsegment) {
    return "span-buf:s:{" + trace + ":" + subsegment + "}:" + subsegment;
  }

  /** Returns the node of the key. */
  private static String set(String key, String value, long ttlSeconds) {
    RedisNode node = owner(key);
    on(
        node,
        jedis ->
            jedis.set(
                key.getBytes(UTF_8), value.getBytes(ISO_8859_1), new SetParams().ex(ttlSeconds)));
    return node.address().toString();
  }

  private static void fill(int payloads) {
    List<String> all =
        LongStream.range(0, payloads).mapToObj(i -> payloadKey(TRACE, id(i))).toList();
    all.stream()
        .collect(Collectors.groupingBy(InspectITCase::owner))
        .forEach(
            (node, keys) ->
                on(
                    node,
                    jedis -> {
                      Pipeline pipeline = jedis.pipelined();
                      keys.forEach(key -> pipeline.set(key, "x", new SetParams().ex(DAY)));
                      return pipeline.syncAndReturnAll();
                    }));
    add(TRACE, id(1), ROOT, true, 300, ROOT, NOWHERE, "");
  }

  private static void lease() {
    on(
        owner("span-buf:lease"),
        jedis -> {
          jedis.hset(
              "span-buf:lease",
              Map.of("buffer", "main", "job", "first", "epoch", "7", "since", "5000"));
          return jedis.expire("span-buf:lease", 30);
        });
  }

  private static List<String> keys() {
    return redis.nodes().stream()
        .flatMap(node -> on(node, jedis -> jedis.keys("*")).stream())
        .sorted()
        .toList();
  }

  private static String nodeOf(String trace) {
    return owner("span-buf:ssr:{" + trace + "}").address().toString();
  }

  /** The nodes have equal ranges of slots. */
  private static RedisNode owner(String key) {
    int slot = JedisClusterCRC16.getSlot(key);
    int node = 0;
    while (slot >= (node + 1) * SLOTS / redis.nodes().size()) {
      node++;
    }
    return redis.nodes().get(node);
  }

  private static String id(long number) {
    return "%016x".formatted(number);
  }

  private static <T> T on(RedisNode node, Function<Jedis, T> question) {
    try (Jedis jedis = node.connect()) {
      return question.apply(jedis);
    }
  }
}

package io.spanfold.local.inspect;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.buffer.SegmentStore;
import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.index.BucketTags;
import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.index.TraceField;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.orphan.OrphanedBuffer;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Login;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.SourcePositions;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.SpanColumns;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.payload.SpanFrames;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.cli.UsageException;
import io.spanfold.local.servers.RunDirectory;
import io.spanfold.local.servers.RunningRedis;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
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

/** Inspects a Redis Cluster with a password, which the job's store wrote. */
class InspectITCase {

  private static final String SECRET = "not-to-be-printed";
  private static final int SLOTS = 16_384;
  private static final long DAY = 86_400;
  private static final TraceKey TRACE = new TraceKey(1, 0x0a0a0a0a0a0a0a0aL, 0x0a0a0a0a0a0a0a0aL);
  private static final TraceKey OTHER = new TraceKey(12, TRACE.traceHigh(), TRACE.traceLow());
  private static final long ROOT = 0xa1;
  private static final long CHILD = 0xa2;
  private static final long LATE_PARENT = 0xc1;
  private static final long GRANDCHILD = 0xc2;

  private static final BucketTags TAGS = new BucketTags(Buckets.DEFAULT);

  @TempDir private static Path directory;
  private static RedisCluster redis;
  private static Path password;

  /** A subsegment to write. */
  private record Sub(long id, long parent, boolean root, int bytes, long... spans) {}

  @BeforeAll
  static void start() throws Exception {
    redis = RedisCluster.start(RedisNode.Options.in(directory).withPassword(SECRET));
    password = Files.writeString(directory.resolve("password"), SECRET + "\nnot this\n");
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
    write(
        RolloutPhase.DISTRIBUTED,
        TRACE,
        new Sub(0xb1, ROOT, true, 300, ROOT, CHILD),
        new Sub(0xb2, LATE_PARENT, false, 200, GRANDCHILD));
    write(RolloutPhase.DISTRIBUTED, TRACE, new Sub(0xb3, ROOT, false, 100, LATE_PARENT));
    write(RolloutPhase.DISTRIBUTED, TRACE, new Sub(0xb4, CHILD, false, 100_000, 0xd1));
    String largeNode = expire(RedisKeys.payload(TRACE, 0xb4), DAY - 3_700);
    String orphanNode = set(RedisKeys.payload(TRACE, 0xb9), "what is this", DAY + 100);
    write(RolloutPhase.DISTRIBUTED, OTHER, new Sub(0xb5, ROOT, true, 300, ROOT));
    lock(TRACE);
    String node = nodeOf(TRACE);
    String small =
        "in the small payload [0-9a-f]{16} of [\\d,]+ bytes \\(%s unpacked\\) on " + node;

    assertThat(inspect("--trace", TRACE.toString()))
        .satisfiesExactly(
            line ->
                assertThat(line)
                    .matches(
                        ("trace %s on %s, bucket %s: segments 1, subsegments 4, ids 5,"
                                + " written \\d+ s ago, bucket locked by job:17 for 4 min \\d+ s")
                            .formatted(TRACE, node, TAGS.of(TRACE))),
            line ->
                assertThat(line)
                    .isEqualTo(
                        "  segment 00000000000000a1: root known, spans 5, record bytes 100,600,"
                            + " formerly 00000000000000c1"),
            line ->
                assertThat(line)
                    .matches(
                        "    subsegment 00000000000000b1: 358 bytes from 0 "
                            + small.formatted(587)),
            line ->
                assertThat(line)
                    .matches(
                        "    subsegment 00000000000000b2: 229 bytes from 358 "
                            + small.formatted(587)),
            line ->
                assertThat(line)
                    .matches(
                        "    subsegment 00000000000000b3: 129 bytes from 0 "
                            + small.formatted(129)),
            line ->
                assertThat(line)
                    .matches(
                        "    subsegment 00000000000000b4: distributed [\\d,]+ bytes \\(100,029 unpacked\\) on %s, 1 h 1 min old"
                            .formatted(largeNode)),
            line ->
                assertThat(line)
                    .matches(
                        "  subsegment 00000000000000b9: distributed 12 bytes \\(of unknown form\\) on %s, ends in 24 h 1 min; not in the index"
                            .formatted(orphanNode)));
  }

  @Test
  void showsALargeTraceWithMergedPayloads() {
    write(RolloutPhase.MERGED, TRACE, new Sub(0xb1, LATE_PARENT, false, 200, GRANDCHILD));
    write(RolloutPhase.DUAL_WRITE, TRACE, new Sub(0xb2, ROOT, true, 300, ROOT, LATE_PARENT));
    String node = nodeOf(TRACE);

    assertThat(inspect("--trace", TRACE.toString()))
        .satisfiesExactly(
            line ->
                assertThat(line)
                    .matches(
                        "trace %s on %s, bucket %s: segments 1, subsegments 2, ids 3, large, written \\d+ s ago"
                            .formatted(TRACE, node, TAGS.of(TRACE))),
            line ->
                assertThat(line)
                    .isEqualTo(
                        "  segment 00000000000000a1: root known, spans 3, record bytes 500,"
                            + " formerly 00000000000000c1"),
            line ->
                assertThat(line)
                    .matches(
                        "    subsegment 00000000000000b1: merged [\\d,]+ bytes \\(229 unpacked\\) on "
                            + node),
            line ->
                assertThat(line)
                    .matches(
                        "    subsegment 00000000000000b2: merged [\\d,]+ bytes \\(358 unpacked\\) on %s and 358 bytes from 0 in the small payload .*"
                            .formatted(node)));
  }

  @Test
  void showsQuarantinedTracesSeparately() {
    write(RolloutPhase.DUAL_READ, TRACE, new Sub(0xb1, ROOT, true, 300, ROOT));
    quarantine();
    write(RolloutPhase.DISTRIBUTED, TRACE, new Sub(0xb2, ROOT, true, 100_000, ROOT));
    quarantine();
    write(RolloutPhase.DISTRIBUTED, TRACE, new Sub(0xb4, LATE_PARENT, false, 100, GRANDCHILD));
    String node = nodeOf(TRACE);

    assertThat(inspect("--trace", TRACE.toString()))
        .satisfiesExactly(
            line -> assertThat(line).startsWith("trace " + TRACE + " on " + node + ", bucket "),
            line -> assertThat(line).startsWith("  segment 00000000000000c1: no root yet"),
            line -> assertThat(line).contains("subsegment 00000000000000b4: 129 bytes from 0"),
            line ->
                assertThat(line)
                    .startsWith("trace %s, quarantined (0), on %s".formatted(TRACE, node))
                    .contains(": segments 1, subsegments 1"),
            line -> assertThat(line).startsWith("  segment 00000000000000a1: root known, spans 1"),
            line ->
                assertThat(line)
                    .contains("00000000000000b1: merged ")
                    .contains("329 bytes from 0 in the small payload"),
            line ->
                assertThat(line)
                    .startsWith("trace %s, quarantined (1), on %s".formatted(TRACE, node)),
            line -> assertThat(line).startsWith("  segment 00000000000000a1: root known, spans 1"),
            line -> assertThat(line).contains("00000000000000b2: distributed "));
  }

  @Test
  void findsATraceInAllProjectsAndReportsMissingPayloads() {
    write(RolloutPhase.DISTRIBUTED, TRACE, new Sub(0xb1, ROOT, true, 300, ROOT));
    write(RolloutPhase.DISTRIBUTED, OTHER, new Sub(0xb2, LATE_PARENT, false, 100, GRANDCHILD));
    redis
        .nodes()
        .forEach(
            node ->
                on(
                    node,
                    jedis -> {
                      jedis.keys("span-buf:p:*").forEach(jedis::unlink);
                      return null;
                    }));

    assertThat(inspect("--trace", "0A".repeat(4) + "-" + "0a".repeat(12)))
        .satisfiesExactly(
            line -> assertThat(line).startsWith("trace 12:0a0a"),
            line -> assertThat(line).contains("segment 00000000000000c1: no root yet, spans 1"),
            line -> assertThat(line).endsWith("subsegment 00000000000000b2: no payload"),
            line -> assertThat(line).startsWith("trace 1:0a0a"),
            line -> assertThat(line).contains("root known, spans 1"),
            line -> assertThat(line).endsWith("subsegment 00000000000000b1: no payload"));
    assertThat(inspect("--trace", "3:" + "0a".repeat(16)))
        .containsExactly("the buffer holds nothing of trace 3:" + "0a".repeat(16));
  }

  @Test
  void findsATraceWhoseIdIsAPatternForRedis() {
    TraceKey pattern = new TraceKey(7, 0x2A3F5B5C2A3F5B5CL, 0x5D2D5E2A00FF0D0AL);
    TraceKey another = new TraceKey(7, 0x2A3F5B5C2A3F5B5CL, 0x5D2D5E2A00FF0D0BL);
    write(RolloutPhase.DISTRIBUTED, pattern, new Sub(0xb1, ROOT, true, 300, ROOT));
    write(RolloutPhase.DISTRIBUTED, another, new Sub(0xb2, ROOT, true, 300, ROOT));

    assertThat(inspect("--trace", pattern.traceId()))
        .satisfiesExactly(
            line -> assertThat(line).startsWith("trace " + pattern),
            line -> assertThat(line).contains("segment 00000000000000a1"),
            line -> assertThat(line).contains("subsegment 00000000000000b1: 329 bytes"));
  }

  @Test
  void refusesAProjectThatIsNone() {
    assertThatThrownBy(() -> inspect("--trace", "9".repeat(19) + ":" + "0a".repeat(16)))
        .isInstanceOf(UsageException.class)
        .hasMessageStartingWith("--trace is PROJECT:TRACE");
  }

  @Test
  void showsTheLeaseTheBucketsAndTheKeysByNode() {
    lease();
    set("foreign", "x", DAY);
    write(RolloutPhase.DISTRIBUTED, TRACE, new Sub(0xb1, ROOT, true, 300, ROOT));

    List<String> lines = inspect();

    assertThat(lines.get(0))
        .startsWith("lease: buffer main of job first since 1970-01-01T00:00:05Z");
    assertThat(lines.get(1)).isEqualTo("buckets: 64, maximum parallelism 5,040");
    assertThat(lines.subList(2, 5))
        .containsExactlyInAnyOrderElementsOf(
            redis.nodes().stream()
                .map(
                    node -> {
                      TreeSet<String> kinds = new TreeSet<>();
                      if (node == owner(RedisKeys.BUCKETS)) {
                        kinds.add("buckets 1");
                      }
                      if (node == owner(RedisKeys.traces(TAGS.of(TRACE)))) {
                        kinds.addAll(List.of("p 1", "t 1"));
                      }
                      return "%s: %d keys%s"
                          .formatted(
                              node.address(),
                              kinds.size(),
                              kinds.isEmpty() ? "" : " (" + String.join(", ", kinds) + ")");
                    })
                .toList());
  }

  @Test
  void saysThatTheNumberOfBucketsIsNotRecorded() {
    assertThat(inspect())
        .contains("buckets: not recorded; nothing was written for as long as redis.ttl");
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
        .isEqualTo(5_003);
  }

  @Test
  void listsTheTracesThatWereWrittenLongestAgo() {
    write(RolloutPhase.MERGED, OTHER, new Sub(0xb1, ROOT, true, 300, ROOT));
    write(
        RolloutPhase.DISTRIBUTED,
        TRACE,
        new Sub(0xb2, ROOT, true, 300, ROOT, CHILD),
        new Sub(0xb3, LATE_PARENT, false, 200, GRANDCHILD));
    setLastWrite(TRACE, Instant.now().minusSeconds(3_600));

    assertThat(inspect("--oldest", "5"))
        .satisfiesExactly(
            line ->
                assertThat(line)
                    .matches(
                        "trace %s: written 1 h 0 min ago, segments 2, subsegments 2, spans 3, record bytes 500"
                            .formatted(TRACE)),
            line ->
                assertThat(line).matches("trace %s: written \\d+ s ago, large".formatted(OTHER)));
    assertThat(inspect("--oldest", "1")).singleElement().asString().contains(TRACE.toString());
    assertThatThrownBy(() -> inspect("--oldest", "1", "--purge"))
        .isInstanceOf(UsageException.class);
  }

  @Test
  void purgesOneTraceWithItsLeftovers() {
    write(RolloutPhase.DISTRIBUTED, OTHER, new Sub(0xb1, ROOT, true, 300, ROOT));
    write(RolloutPhase.DUAL_READ, OTHER, new Sub(0xb5, ROOT, true, 100_000, CHILD));
    List<String> others = keys();
    write(RolloutPhase.DUAL_READ, TRACE, new Sub(0xb1, ROOT, true, 300, ROOT));
    quarantine(); // Also of the other trace.
    write(RolloutPhase.DISTRIBUTED, TRACE, new Sub(0xb2, ROOT, true, 300, ROOT));
    write(RolloutPhase.DISTRIBUTED, TRACE, new Sub(0xb3, ROOT, true, 100_000, CHILD));

    assertThat(inspect("--trace", TRACE.toString(), "--purge"))
        .last()
        .asString()
        .startsWith("nothing was deleted");
    assertThat(inspect("--trace", TRACE.toString(), "--purge", "--yes"))
        .startsWith("deleted:")
        .anyMatch(line -> line.contains("quarantined (0)"));

    assertThat(inspect("--trace", TRACE.toString())).singleElement().asString().contains("nothing");
    assertThat(inspect("--trace", OTHER.toString()))
        .anyMatch(line -> line.contains("00000000000000b1: 329 bytes from 0 in the small payload"))
        .anyMatch(line -> line.contains("subsegment 00000000000000b5: merged"));
    assertThat(keys()).hasSameSizeAs(others);
  }

  @Test
  void doesNotPurgeATraceWhileAJobHasTheLease() {
    write(RolloutPhase.DISTRIBUTED, TRACE, new Sub(0xb1, ROOT, true, 300, ROOT));
    lease();
    List<String> before = keys();

    assertThatThrownBy(() -> inspect("--trace", TRACE.toString(), "--purge", "--yes"))
        .isInstanceOf(FailedRunException.class)
        .hasMessageContaining("stop it permanently first");

    assertThat(keys()).isEqualTo(before);
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

  private static void write(RolloutPhase phase, TraceKey trace, Sub... subs) {
    List<UnstoredSubsegment> unstored = new ArrayList<>();
    int length = 0;
    for (Sub sub : subs) {
      int spans = sub.spans.length;
      int frames = (int) SpanFrames.length(spans, sub.bytes);
      unstored.add(
          new UnstoredSubsegment(
              new Subsegment(
                  sub.id,
                  sub.parent,
                  sub.root,
                  spans,
                  sub.bytes,
                  0,
                  phase.layouts(),
                  1,
                  SourcePositions.of(new int[1], new long[1], new int[1])),
              length,
              frames,
              sub.spans));
      length += frames;
    }
    TraceSpans share = new TraceSpans(trace, new SpanColumns(1), unstored, new byte[length]);
    try (SegmentStore store = SegmentStore.connect(settings(phase))) {
      store.write(new SpanBatch(List.of(share)).in(new Generation(1, 1)));
    }
  }

  private static void setLastWrite(TraceKey trace, Instant time) {
    byte[] key = RedisKeys.ascii(RedisKeys.traces(TAGS.of(trace)));
    on(
        owner(RedisKeys.traces(TAGS.of(trace))),
        jedis -> {
          byte[] record = jedis.hget(key, TraceField.of(trace));
          ByteBuffer.wrap(record).putInt(1, (int) time.getEpochSecond());
          return jedis.hset(key, TraceField.of(trace), record);
        });
  }

  private static void lock(TraceKey trace) {
    DuePart part = new DuePart(trace, ROOT, 0, FlushReason.IDLE, 0, false, List.of());
    try (SegmentStore store = SegmentStore.connect(settings(RolloutPhase.DISTRIBUTED))) {
      store.lock(List.of(part), new LockOwner("job", 17), Duration.ofSeconds(290));
    }
  }

  private static void quarantine() {
    try (OrphanedBuffer buffer = OrphanedBuffer.connect(settings(RolloutPhase.DISTRIBUTED))) {
      buffer.quarantine();
    }
  }

  private static StoreSettings settings(RolloutPhase phase) {
    ConnectionSettings connection =
        new ConnectionSettings(redis.uris(), new Login(null, SECRET), null, Timeouts.DEFAULT);
    return new StoreSettings(connection, Duration.ofSeconds(DAY), 0, false, phase, Buckets.DEFAULT);
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

  /** Returns the node of the key. */
  private static String expire(String key, long seconds) {
    RedisNode node = owner(key);
    on(node, jedis -> jedis.expire(key, seconds));
    return node.address().toString();
  }

  private static void fill(int payloads) {
    List<String> all =
        LongStream.range(0, payloads).mapToObj(i -> RedisKeys.payload(TRACE, i)).toList();
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
    write(RolloutPhase.DISTRIBUTED, TRACE, new Sub(0xb1, ROOT, true, 300, ROOT));
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

  private static String nodeOf(TraceKey trace) {
    return owner(RedisKeys.traces(TAGS.of(trace))).address().toString();
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

  private static <T> T on(RedisNode node, Function<Jedis, T> question) {
    try (Jedis jedis = node.connect()) {
      return question.apply(jedis);
    }
  }
}

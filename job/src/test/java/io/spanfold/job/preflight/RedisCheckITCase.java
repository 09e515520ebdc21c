package io.spanfold.job.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.SegmentStore;
import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Login;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.testing.Receipts;
import io.spanfold.testing.Shares;
import io.spanfold.testing.Shares.Part;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.configuration.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;

/** Reports about a Redis that does not fit the job. */
@Timeout(60)
class RedisCheckITCase {

  private static final long ROOM = 64L << 20;

  @TempDir Path directory;
  private RedisNode redis;

  @BeforeEach
  void start() {
    redis = RedisNode.start(RedisNode.Options.in(directory.resolve("one")).withMaxMemory(ROOM));
  }

  @AfterEach
  void stop() {
    redis.close();
  }

  @Test
  void nothingIsReportedIfRedisFits() {
    CheckReport report = check(redis());

    assertThat(report.problems()).isEmpty();
    assertThat(report.warnings()).isEmpty();
  }

  @Test
  void evictionIsRefused() {
    set("maxmemory-policy", "allkeys-lru");

    assertThat(check(redis()).problems())
        .containsExactly(
            "The Redis node "
                + redis.address()
                + " has the maxmemory-policy allkeys-lru, which deletes payloads that are still"
                + " needed; set it to noeviction.");
  }

  @Test
  void missingMaxmemoryCausesAWarning() {
    set("maxmemory", "0");

    CheckReport report = check(redis());

    assertThat(report.problems()).isEmpty();
    assertThat(report.warnings())
        .containsExactly(
            "The Redis node "
                + redis.address()
                + " has no maxmemory, so redis.max-memory-fraction has no effect, and the operating"
                + " system kills Redis if its machine runs out of memory; set maxmemory.");
  }

  @Test
  void fullRedisCausesAWarningOnlyAsTheJobMakesRoom() {
    set("maxmemory", "1");
    CheckReport full = check(redis());
    set("maxmemory", Long.toString(usedMemory() * 11 / 10));
    CheckReport nearly = check(redis());

    assertThat(full.problems()).isEmpty();
    assertThat(full.warnings())
        .singleElement()
        .asString()
        .startsWith("The Redis node " + redis.address() + " is full and refuses writes;");
    assertThat(nearly.problems()).isEmpty();
    assertThat(nearly.warnings())
        .singleElement()
        .asString()
        .startsWith("The Redis node " + redis.address() + ": ")
        .contains(" is above redis.max-memory-fraction (0.8);");
  }

  @Test
  void replicaIsRefused() {
    try (Jedis jedis = redis.connect()) {
      jedis.replicaof("127.0.0.1", 1);
    }
    assertThat(check(redis()).problems())
        .containsExactly(
            "The Redis node "
                + redis.address()
                + " refuses to write a key that begins with span-buf: (READONLY You can't write"
                + " against a read only replica.); name the primaries in redis.uri, and grant their"
                + " user (redis.username) writes to these keys.");
  }

  @Test
  void refusedLoginIsReportedWithoutThePassword() {
    set("requirepass", "s3cret");

    assertThat(check(redis(null, "hunter2")).problems())
        .singleElement()
        .asString()
        .startsWith("redis.uri: cannot connect to Redis at [" + redis.uri() + "]")
        .contains("WRONGPASS")
        .endsWith("; check user name, password and permissions.")
        .doesNotContain("hunter2");
    assertThat(check(redis()).problems()).singleElement().asString().contains("NOAUTH");
    assertThat(check(redis(null, "s3cret")).problems()).isEmpty();
  }

  @Test
  void missingRightsAreReportedWithTheServersMessage() {
    try (Jedis jedis = redis.connect()) {
      jedis.aclSetUser("reads", "on", ">r3ads", "~span-buf:*", "+@all", "-@write");
      jedis.aclSetUser("blind", "on", ">bl1nd", "~span-buf:*", "+@all", "-info");
      jedis.aclSetUser("elsewhere", "on", ">3lse", "~other:*", "+@all");
    }
    assertThat(check(redis("reads", "r3ads")).problems())
        .singleElement()
        .asString()
        .contains("refuses to write a key that begins with span-buf: (NOPERM ");
    assertThat(check(redis("elsewhere", "3lse")).problems())
        .singleElement()
        .asString()
        .contains("refuses to write a key that begins with span-buf: (NOPERM ");
    assertThat(check(redis("blind", "bl1nd")).problems())
        .singleElement()
        .asString()
        .contains("NOPERM")
        .contains("'info'");
  }

  @Test
  void unreachableRedisIsReported() {
    redis.stop();

    assertThat(check(redis()).problems())
        .singleElement()
        .asString()
        .startsWith("redis.uri: cannot connect to Redis at [" + redis.uri() + "] after ")
        .endsWith("; check whether the servers run and are reachable from here.");
  }

  @Test
  void severalNodesWithoutAClusterAreRefused() {
    try (RedisNode other = RedisNode.start(RedisNode.Options.in(directory.resolve("other")))) {
      assertThat(check(ConnectionSettings.of(List.of(redis.uri(), other.uri()))).problems())
          .containsExactly(
              "redis.uri: several Redis nodes are given, but "
                  + redis.address()
                  + " is not part of a cluster; give one node, or the nodes of a cluster.");
    }
  }

  @Test
  void clusterMustBeCompleteAndAllItsNodesFit() {
    try (RedisCluster cluster =
        RedisCluster.start(RedisNode.Options.in(directory).withMaxMemory(ROOM))) {
      ConnectionSettings settings = ConnectionSettings.of(cluster.uris());
      CheckReport whole = check(settings);
      assertThat(whole.problems()).isEmpty();
      assertThat(whole.warnings()).isEmpty();
      assertThat(keys(cluster)).as("a key of each check on each node").hasSize(3);

      List<RedisNode> nodes = cluster.nodes();
      try (Jedis second = nodes.get(1).connect()) {
        second.configSet("maxmemory-policy", "volatile-ttl");
      }
      nodes.get(2).kill();

      assertThat(check(settings).problems())
          .satisfiesExactlyInAnyOrder(
              evicts ->
                  assertThat(evicts)
                      .startsWith(
                          "The Redis node "
                              + nodes.get(1).address()
                              + " has the maxmemory-policy volatile-ttl,"),
              silent ->
                  assertThat(silent)
                      .startsWith(
                          "The Redis node "
                              + nodes.get(2).address()
                              + " does not report its memory (")
                      .endsWith(
                          "; check that it runs and is reachable from here, and grant the job's user INFO."));

      forget(nodes.get(0), 5);
      assertThat(check(ConnectionSettings.of(List.of(nodes.get(0).uri()))).problems())
          .contains(
              "Of the 16,384 slots of the Redis Cluster at ["
                  + nodes.get(0).uri()
                  + "], 5 are not assigned to a node; assign them (redis-cli --cluster fix).");
    }
  }

  private static void forget(RedisNode node, int slots) {
    try (Jedis jedis = node.connect()) {
      for (int slot = 0; slot < slots; slot++) {
        jedis.clusterDelSlots(slot);
      }
    }
  }

  private static List<String> keys(RedisCluster cluster) {
    return cluster.nodes().stream()
        .flatMap(
            node -> {
              try (Jedis jedis = node.connect()) {
                return Stream.of(jedis.keys("*")).flatMap(keys -> List.copyOf(keys).stream());
              }
            })
        .collect(Collectors.toList());
  }

  @Test
  void spansInOtherBucketsAreRefusedUntilTheyAreFlushed() {
    StoreSettings settings = StoreSettings.of(List.of(redis.uri()));
    Buckets other = new Buckets(7, 128);
    StoreSettings before =
        new StoreSettings(settings.redis(), settings.ttl(), 0, false, settings.phase(), other);
    TraceKey trace = new TraceKey(1, 2, 3);
    Part part = new Part(4, 5, true, new long[] {5}, new byte[100]);
    try (SegmentStore store = SegmentStore.connect(before)) {
      List<StoredTrace> stored =
          store.write(
              new SpanBatch(List.of(Shares.of(trace, 0, List.of(part))), new Generation(1, 1)));
      assertThat(check(redis()).problems())
          .containsExactly(
              "The spans in the Redis at ["
                  + redis.uri()
                  + "] are divided into 7 buckets of 128 key groups, but redis.buckets is 64 and the"
                  + " maximum parallelism 5040; start with redis.buckets 7 and"
                  + " pipeline.max-parallelism 128 until they are flushed, or purge them.");
      store.cleanUp(
          List.of(Receipts.of(trace, 5, stored.get(0).subsegments(), part.spanIds())),
          new LockOwner("job", 1));
    }
    assertThat(check(redis()).problems()).isEmpty();
  }

  private long usedMemory() {
    try (Jedis jedis = redis.connect()) {
      return jedis
          .info("memory")
          .lines()
          .filter(line -> line.startsWith("used_memory:"))
          .mapToLong(line -> Long.parseLong(line.substring("used_memory:".length()).strip()))
          .sum();
    }
  }

  private void set(String name, String value) {
    try (Jedis jedis = redis.connect()) {
      jedis.configSet(name, value);
    }
  }

  private ConnectionSettings redis(String username, String password) {
    return new ConnectionSettings(
        List.of(redis.uri()), new Login(username, password), null, Timeouts.DEFAULT);
  }

  private ConnectionSettings redis() {
    return ConnectionSettings.of(List.of(redis.uri()));
  }

  private static CheckReport check(ConnectionSettings settings) {
    Configuration options = new Configuration();
    options.setString("kafka.bootstrap.servers", "kafka.invalid:9092");
    options.setString(
        "redis.uri", settings.nodes().stream().map(URI::toString).collect(Collectors.joining(",")));
    CheckReport report = new CheckReport();
    new RedisCheck(SpanfoldConfig.of(options).redis(), settings, report).run();
    return report;
  }
}

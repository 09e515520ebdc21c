package io.spanfold.buffer.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.memory.NodeProbe;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.embedded.Await;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.commons.codec.digest.DigestUtils;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.args.ClusterFailoverOption;

/** A master of a cluster dies and does not come back. Its replica is used like any master. */
@Timeout(120)
class FailoverITCase {

  private static final Timeouts TIMEOUTS =
      new Timeouts(Duration.ofSeconds(2), Duration.ofSeconds(2), Duration.ofSeconds(10));

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final RedisScript SCRIPT = script("return 'answer'");

  @TempDir Path directory;

  private RedisCluster cluster;
  private RedisNode master;
  private RedisNode replica;
  private ConnectionSettings settings;

  @BeforeEach
  void start() {
    cluster = RedisCluster.start(RedisNode.Options.in(directory), 1);
    master = cluster.nodes().get(0);
    replica = cluster.nodes().get(RedisCluster.MASTERS);
    settings = ConnectionSettings.of(cluster.uris()).within(TIMEOUTS);
  }

  @AfterEach
  void stop() {
    cluster.close();
  }

  @Test
  void scriptsAreLoadedAgain() {
    try (RedisNodes nodes = RedisNodes.connect(settings, settings.retries());
        RedisPipelines pipelines = new RedisPipelines(nodes, settings.retries())) {
      byte[] key = keyOf(nodes, master.address());
      assertThat(call(pipelines, key)).isEqualTo("answer");
      failOver();
      assertThat(call(pipelines, key)).isEqualTo("answer");

      try (Jedis jedis = replica.connect()) {
        jedis.scriptFlush();
      }

      assertThat(call(pipelines, key)).isEqualTo("answer");
      assertThat(nodes.all()).contains(replica.address()).doesNotContain(master.address());
    }
  }

  @Test
  void theProbeAsksTheReplicaInsteadOfTheMaster() {
    try (NodeProbe probe = new NodeProbe(settings)) {
      assertThat(asked(probe)).contains(master.address().toString());
      failOver();

      boolean answers = Await.until(() -> asked(probe).size() == RedisCluster.MASTERS, PATIENCE);

      assertThat(answers).as("the probe has answers").isTrue();
      assertThat(asked(probe)).contains(replica.address().toString());
    }
  }

  private void failOver() {
    master.kill();
    try (Jedis jedis = replica.connect()) {
      // At once: a vote would wait until the others miss the master.
      jedis.clusterFailover(ClusterFailoverOption.TAKEOVER);
      assertThat(Await.until(() -> jedis.info("replication").contains("role:master"), PATIENCE))
          .isTrue();
    }
  }

  /** Returns the nodes that answer; none if one of those asked does not. */
  private static List<String> asked(NodeProbe probe) {
    try {
      return probe.ask().stream().map(answer -> answer.memory().node()).toList();
    } catch (StoreException e) {
      return List.of();
    }
  }

  private static String call(RedisPipelines pipelines, byte[] key) {
    Object answer = pipelines.send("call a script", RedisCommand.call(SCRIPT, key, List.of()));
    return new String((byte[]) answer, US_ASCII);
  }

  private static byte[] keyOf(RedisNodes nodes, HostAndPort node) {
    return IntStream.iterate(0, n -> n + 1)
        .mapToObj(n -> ("key" + n).getBytes(US_ASCII))
        .filter(key -> nodes.nodeOf(key).equals(node))
        .findFirst()
        .orElseThrow();
  }

  private static RedisScript script(String text) {
    byte[] bytes = text.getBytes(US_ASCII);
    return new RedisScript("test.lua", bytes, DigestUtils.sha1Hex(bytes).getBytes(US_ASCII));
  }
}

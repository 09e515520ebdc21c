package io.spanfold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import io.spanfold.embedded.KafkaBroker;
import io.spanfold.embedded.RedisNode;
import io.spanfold.testing.BufferedKeys;
import io.spanfold.testing.CommittedRecords;
import io.spanfold.testing.JobCluster;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.RandomTraces.Pace;
import io.spanfold.testing.SegmentParts;
import io.spanfold.testing.SpanRecords;
import io.spanfold.testing.faults.KafkaRequests;
import io.spanfold.testing.faults.RedisRequests;
import io.spanfold.testing.faults.Tripwire;
import io.spanfold.testing.faults.Tripwire.Side;
import io.spanfold.testing.faults.WireProxy;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;

/**
 * The job's process dies at each point of the protocol: before and after each kind of request that
 * it makes of real servers. From that point on nothing gets out of it or into it, as after a kill
 * -9; another task manager resumes from the last checkpoint. The committed output is exactly that
 * of an undisturbed job, and nothing is left in Redis.
 *
 * <p>The points between requests follow from them: between result and barrier is before the first
 * request of the next checkpoint; a completed checkpoint before its commit is before the commit's
 * request; and so on. A point that is not reached fails its test.
 */
class CrashPointsITCase {

  private static final FoldSettings SETTINGS =
      new FoldSettings(60_000, 10_000, 100_000, 30_000, Long.MAX_VALUE);

  private static final int PARTITIONS = 2;
  private static final int TRACES = 36;
  private static final long SECONDS_TO_REACH = 40;

  /** Every nth span has a payload large enough for a key of its own. */
  private static final int ONE_IN = 20;

  private static final int LARGE = 66_000;

  @TempDir static Path directory;

  private static final Tripwire WIRE = new Tripwire();
  private static WireProxy redisProxy;
  private static WireProxy kafkaProxy;
  private static RedisNode redis;
  private static KafkaBroker kafka;
  private static JobCluster cluster;

  @BeforeAll
  static void start() throws Exception {
    redis = RedisNode.start(RedisNode.Options.in(directory.resolve("redis")));
    redisProxy = new WireProxy(new RedisRequests(), WIRE);
    redisProxy.to(redis.uri().getPort());
    kafkaProxy = new WireProxy(new KafkaRequests(), WIRE);
    kafka =
        KafkaBroker.builder()
            .property("advertised.listeners", "CLIENT://127.0.0.1:" + kafkaProxy.port())
            .start();
    kafkaProxy.to(Integer.parseInt(kafka.bootstrapServers().replaceAll(".*:", "")));
    kafka.createTopic("ingest-spans-dlq", 1);
    kafka.createTopic("outcomes", 1);
    cluster = new JobCluster(directory, 1, 2);
  }

  @AfterAll
  static void stop() throws Exception {
    cluster.close();
    kafka.close();
    kafkaProxy.close();
    redis.close();
    redisProxy.close();
  }

  @ParameterizedTest(name = "{1} the {2}. {0}")
  @CsvSource({
    "Redis SET, BEFORE, 20",
    "Redis SET, AFTER, 20",
    "Redis HSET, BEFORE, 170",
    "Redis HSET, AFTER, 170",
    "Redis add-subsegments, BEFORE, 170",
    "Redis add-subsegments, AFTER, 170",
    "Redis lock-flush, BEFORE, 5",
    "Redis lock-flush, AFTER, 5",
    "Redis HMGET, BEFORE, 5",
    "Redis HMGET, AFTER, 5",
    "Redis GET, BEFORE, 5",
    "Redis GET, AFTER, 5",
    "Kafka PRODUCE, BEFORE, 2",
    "Kafka PRODUCE, AFTER, 2",
    "Kafka END_TXN, BEFORE, 1",
    "Kafka END_TXN, AFTER, 1",
    "Redis UNLINK, BEFORE, 1",
    "Redis UNLINK, AFTER, 1",
    "Redis finish-flush, BEFORE, 1",
    "Redis finish-flush, AFTER, 1",
    "Redis finish-flush, AFTER, 20",
    "Redis HDEL, BEFORE, 1",
    "Redis HDEL, AFTER, 1",
    "Kafka INIT_PRODUCER_ID, BEFORE, 6",
    "Kafka INIT_PRODUCER_ID, AFTER, 6",
    "Redis take-lease, AFTER, 1",
    "Redis renew-lease, BEFORE, 1"
  })
  @Timeout(120)
  void nothingIsLostOrDoubledByACrash(String request, Side side, int nth) throws Exception {
    String name =
        "%s-%s-%d".formatted(request.replace(' ', '-'), side, nth).toLowerCase(Locale.ROOT);
    kafka.createTopic(name, PARTITIONS);
    kafka.createTopic(name + "-segments", 1);
    List<Span> spans =
        RandomTraces.many(new Random(name.hashCode()), TRACES, 2_000, true, Pace.values());
    SpanRecords.send(
        Map.of("bootstrap.servers", kafka.bootstrapServers()),
        name,
        PARTITIONS,
        spans,
        span -> span.offset() % ONE_IN == 0 ? LARGE : 0);
    List<String> expected = SegmentParts.expected(SegmentParts.fold(SETTINGS, spans));

    try (CommittedRecords committed =
        new CommittedRecords(kafka.bootstrapServers(), name + "-segments")) {
      WIRE.set(request, side, nth);
      long begun = System.nanoTime();
      JobID job = cluster.submit(options(name), new Configuration(), 2, null);
      boolean reached = WIRE.awaitTripped(SECONDS_TO_REACH);
      long dead = System.nanoTime();
      if (reached) {
        cluster.killTaskManager();
        WIRE.raise();
        cluster.startTaskManager();
      }
      long alive = System.nanoTime();
      // The last spans of the input are not due before record time ends.
      assertThat(committed.readUntil(seen -> seen.size() >= expected.size() / 2)).isTrue();
      long recovered = System.nanoTime();
      cluster.stopWithSavepoint(job, true);
      System.out.printf(
          "%s: reached after %.1f s, dead for %.1f s, recovered after %.1f s, ended after %.1f s%n",
          name,
          (dead - begun) / 1e9,
          (alive - dead) / 1e9,
          (recovered - alive) / 1e9,
          (System.nanoTime() - recovered) / 1e9);

      assertThat(reached).as("the point was reached; requests: %s", WIRE.seen()).isTrue();
      List<String> differences =
          SegmentParts.differences(expected, SegmentParts.committed(committed.all()));
      assertThat(differences).as("lost (-) and doubled (+)").isEmpty();
      assertThat(redisKeys()).as("left in Redis, with what is left of its time").isEmpty();
    } finally {
      WIRE.raise();
      flushRedis();
    }
  }

  private static Configuration options(String name) {
    Configuration options = new Configuration();
    options.setString("kafka.bootstrap.servers", "127.0.0.1:" + kafkaProxy.port());
    options.setString("redis.uri", "redis://127.0.0.1:" + redisProxy.port());
    options.setString("source.topic", name);
    options.setString("source.group.id", name);
    options.setString("sink.topic", name + "-segments");
    options.setString("sink.transactional-id-prefix", name);
    options.setString("kafka.properties.max.partition.fetch.bytes", "8192");
    options.setString("kafka.properties.max.poll.records", "20");
    // A client that was cut off delays the end of its task by its timeouts.
    options.setString("kafka.properties.max.block.ms", "1500");
    options.setString("kafka.properties.request.timeout.ms", "1500");
    options.setString("kafka.properties.default.api.timeout.ms", "1500");
    options.setString("kafka.properties.delivery.timeout.ms", "3000");
    options.setString("ingest.batch.max-spans", "1");
    options.setString("segment.max-age", "100 s");
    options.setString("segment.late-grace", "30 s");
    options.setString("flush.lock-ttl", "90 s");
    return options;
  }

  private static Set<String> redisKeys() {
    try (Jedis jedis = jedis()) {
      return BufferedKeys.of(jedis.keys("*")).stream()
          .map(key -> key + " for " + jedis.pttl(key) + " ms")
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  private static void flushRedis() {
    try (Jedis jedis = jedis()) {
      jedis.flushAll();
    }
  }

  private static Jedis jedis() {
    return new Jedis(new HostAndPort(redis.uri().getHost(), redis.uri().getPort()));
  }
}

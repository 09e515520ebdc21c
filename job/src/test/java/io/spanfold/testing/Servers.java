package io.spanfold.testing;

import static io.spanfold.buffer.redis.RedisKeys.ascii;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.index.LargeRecord;
import io.spanfold.buffer.index.SubsegmentRecord;
import io.spanfold.buffer.index.TraceField;
import io.spanfold.buffer.index.TraceRecord;
import io.spanfold.embedded.Await;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.configuration.Configuration;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;

/**
 * A Kafka broker and a Redis Cluster of three nodes for a test class, with the topics of the job.
 */
public final class Servers implements AutoCloseable {

  /** The number of partitions of the source topic. */
  public static final int PARTITIONS = 4;

  private static final int REDIS_NODES = 3;

  /** What the index of a trace holds of a segment: counts of subsegments, spans, and more. */
  private final KafkaUnderTest kafka;

  private final RedisCluster redis;

  /** Starts both. */
  public Servers() throws IOException {
    this(Map.of());
  }

  /** Starts both, the broker with properties of the test's own. */
  public Servers(Map<String, String> broker) throws IOException {
    this(broker, 0);
  }

  /** Starts both, Redis with a memory limit in bytes for all its nodes together. */
  public Servers(long redisBytes) throws IOException {
    this(Map.of(), redisBytes);
  }

  private Servers(Map<String, String> broker, long redisBytes) throws IOException {
    Path directory = Files.createTempDirectory("spanfold-test");
    redis =
        RedisCluster.start(RedisNode.Options.in(directory).withMaxMemory(redisBytes / REDIS_NODES));
    kafka = KafkaUnderTest.start(broker);
    kafka.createTopic("buffered-segments", 2);
    kafka.createTopic("ingest-spans-dlq", 1);
    kafka.createTopic("outcomes", 1);
  }

  /** Makes a source topic of a test's own, so that tests do not read each other's spans. */
  public void createTopic(String name, int partitions) {
    kafka.createTopic(name, partitions);
  }

  /** Returns the address of Kafka. */
  public String bootstrapServers() {
    return kafka.bootstrapServers();
  }

  /** Returns the value of {@code redis.uri}. */
  public String redisUri() {
    return redis.uris().stream().map(URI::toString).collect(Collectors.joining(","));
  }

  /**
   * Returns options for a job on these servers that reads the topic {@code name}, writes to {@code
   * name-segments}, and shares nothing with other tests' jobs.
   */
  public Configuration options(String name) {
    Configuration options = new Configuration();
    options.setString("kafka.bootstrap.servers", bootstrapServers());
    options.setString("redis.uri", redisUri());
    options.setString("source.topic", name);
    options.setString("source.group.id", name);
    options.setString("sink.topic", name + "-segments");
    options.setString("sink.transactional-id-prefix", name);
    return options;
  }

  /** Returns the keys of what is buffered in Redis; see {@link BufferedKeys}. */
  public Set<String> redisKeys() {
    Set<String> keys = new HashSet<>();
    onEachNode(node -> node.keys("*")).forEach(keys::addAll);
    return BufferedKeys.of(keys);
  }

  /** Returns how many spans the index in Redis counts. */
  public long storedSpans() {
    return onEachNode(node -> packedSpans(node) + largeSpans(node))
        .mapToLong(Long::longValue)
        .sum();
  }

  private static long packedSpans(Jedis node) {
    return node.keys("span-buf:t:*").stream()
        .flatMap(key -> node.hgetAll(ascii(key)).entrySet().stream())
        .filter(field -> TraceField.trace(field.getKey()).isPresent())
        .flatMap(field -> TraceRecord.decode(field.getValue()).segments().stream())
        .flatMap(segment -> segment.subsegments().stream())
        .mapToLong(SubsegmentRecord::spans)
        .sum();
  }

  private static long largeSpans(Jedis node) {
    long[] sum = new long[1];
    LargeRecord.Visitor counter =
        new LargeRecord.Visitor() {
          @Override
          public void segment(long id, long subsegments, long spans, long bytes, boolean hasRoot) {
            sum[0] += spans;
          }
        };
    for (String key : node.keys("span-buf:x:*")) {
      node.hgetAll(ascii(key)).forEach((name, value) -> LargeRecord.visit(name, value, counter));
    }
    return sum[0];
  }

  /** Returns how many commands the nodes of Redis refused because they were out of memory. */
  public long refusedForMemory() {
    return onEachNode(node -> node.info("errorstats"))
        .flatMap(String::lines)
        .filter(line -> line.startsWith("errorstat_OOM:count="))
        .mapToLong(line -> Long.parseLong(line.substring(line.indexOf('=') + 1).strip()))
        .sum();
  }

  /** Sets a parameter of all Redis nodes. */
  public void configureRedis(String parameter, String value) {
    assertThat(onEachNode(node -> node.configSet(parameter, value))).containsOnly("OK");
  }

  /** Deletes all that is in Redis. */
  public void wipeRedis() {
    assertThat(onEachNode(Jedis::flushAll)).containsOnly("OK");
  }

  private <T> Stream<T> onEachNode(Function<Jedis, T> question) {
    return redis.uris().stream()
        .map(
            uri -> {
              try (Jedis node = new Jedis(new HostAndPort(uri.getHost(), uri.getPort()))) {
                return question.apply(node);
              }
            });
  }

  /** Waits until a consumer group has committed the ends of all partitions of a topic. */
  public void awaitConsumed(String group, String topic) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers()))) {
      Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
      admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().stream()
          .map(info -> new TopicPartition(topic, info.partition()))
          .forEach(partition -> latest.put(partition, OffsetSpec.latest()));
      Map<TopicPartition, Long> ends = new HashMap<>();
      admin.listOffsets(latest).all().get().forEach((at, info) -> ends.put(at, info.offset()));
      Await.until(() -> committed(admin, group).equals(ends));
    }
  }

  /** Returns how many records of a topic a consumer group has committed, from its beginning. */
  public long consumed(String group) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers()))) {
      return committed(admin, group).values().stream().mapToLong(Long::longValue).sum();
    }
  }

  /**
   * Sets back what a consumer group has committed, each partition by {@code part} of what it has.
   */
  public void rewind(String group, double part) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers()))) {
      Map<TopicPartition, OffsetAndMetadata> earlier = new HashMap<>();
      committed(admin, group)
          .forEach(
              (at, offset) -> earlier.put(at, new OffsetAndMetadata((long) (offset * (1 - part)))));
      admin.alterConsumerGroupOffsets(group, earlier).all().get();
    }
  }

  /** Returns the transactional ids whose transactions are neither committed nor aborted. */
  public List<String> openTransactions() throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers()))) {
      return admin.listTransactions().all().get().stream()
          .filter(transaction -> transaction.state() == TransactionState.ONGOING)
          .map(TransactionListing::transactionalId)
          .toList();
    }
  }

  private static Map<TopicPartition, Long> committed(Admin admin, String group) throws Exception {
    Map<TopicPartition, Long> committed = new HashMap<>();
    admin
        .listConsumerGroupOffsets(group)
        .partitionsToOffsetAndMetadata()
        .get()
        .forEach((at, offset) -> committed.put(at, offset.offset()));
    return committed;
  }

  @Override
  public void close() {
    kafka.close();
    redis.close();
  }
}

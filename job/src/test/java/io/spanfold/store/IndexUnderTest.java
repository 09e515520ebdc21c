package io.spanfold.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.model.Bundle.UnstoredSubsegment;
import io.spanfold.model.FlushReason;
import io.spanfold.model.FlushedPart;
import io.spanfold.model.SourcePositions;
import io.spanfold.model.Subsegment;
import io.spanfold.model.TraceKey;
import io.spanfold.store.IndexedTrace.Segment;
import io.spanfold.store.IndexedTrace.Sub;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import redis.clients.jedis.CommandObjects;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.RedisProtocol;

/** Runs the scripts on real servers, and reads there what they left. */
final class IndexUnderTest implements AutoCloseable {

  static final Duration TTL = Duration.ofHours(2);

  private final List<URI> nodes;
  private final RedisPipelines pipelines;
  private final RedisScripts scripts =
      new RedisScripts(new CommandObjects(RedisProtocol.RESP2), TTL);

  IndexUnderTest(List<URI> nodes) {
    this.nodes = nodes;
    RetryPolicy retries = RetryPolicy.within(Duration.ofSeconds(20));
    this.pipelines =
        new RedisPipelines(StoreConnector.connect(StoreSettings.of(nodes), retries), retries);
  }

  List<RedisScripts.IndexedSubsegment> add(TraceKey trace, List<Sub> subs) {
    return addAll(trace, List.of(subs)).get(0);
  }

  List<List<RedisScripts.IndexedSubsegment>> addAll(TraceKey trace, List<List<Sub>> calls) {
    List<RedisCommand<Object>> commands =
        calls.stream().map(subs -> scripts.addSubsegments(trace, unstored(subs))).toList();
    return pipelines.send("add", commands).stream().map(RedisScripts::indexed).toList();
  }

  RedisScripts.Removed finish(TraceKey trace, long segment, List<Sub> subs) {
    return finish(trace, segment, subs, "");
  }

  RedisScripts.Removed finish(TraceKey trace, long segment, List<Sub> subs, String lockOwner) {
    FlushedPart.Receipt receipt =
        new FlushedPart.Receipt(
            trace,
            segment,
            0,
            FlushReason.IDLE,
            List.of(),
            subs.stream().map(IndexUnderTest::subsegment).toList(),
            subs.stream().flatMapToLong(sub -> Arrays.stream(sub.spans())).toArray());
    return RedisScripts.removed(
        pipelines.send("finish", List.of(scripts.finishFlush(receipt, lockOwner))).get(0));
  }

  /** Returns all keys of the buffer. */
  Set<String> keys() {
    Set<String> keys = new TreeSet<>();
    for (URI node : nodes) {
      try (Jedis jedis = new Jedis(node)) {
        keys.addAll(jedis.keys(RedisKeys.PREFIX + "*"));
      }
    }
    return keys;
  }

  /** Returns the segments of a trace; fails where a key of it has no sufficient TTL. */
  Map<String, Segment> segments(TraceKey trace) {
    Map<String, Segment> segments = new TreeMap<>();
    for (URI node : nodes) {
      try (Jedis jedis = new Jedis(node)) {
        for (String key : jedis.keys(RedisKeys.PREFIX + "*{" + trace + "}*")) {
          assertThat(jedis.ttl(key)).as(key).isBetween(TTL.toSeconds() * 3 / 4, TTL.toSeconds());
          if (key.startsWith(RedisKeys.PREFIX + "mk:")) {
            segments.put(key.substring(key.length() - 16), segment(jedis, trace, key));
          }
        }
      }
    }
    return segments;
  }

  private static Segment segment(Jedis jedis, TraceKey trace, String membersKey) {
    long id = Long.parseUnsignedLong(membersKey.substring(membersKey.length() - 16), 16);
    return new Segment(
        new TreeSet<>(jedis.smembers(membersKey)),
        Long.parseLong(jedis.get(RedisKeys.spanCount(trace, id))),
        Long.parseLong(jedis.get(RedisKeys.recordBytes(trace, id))),
        jedis.exists(RedisKeys.hasRoot(trace, id)));
  }

  @Override
  public void close() {
    pipelines.close();
  }

  private static List<UnstoredSubsegment> unstored(List<Sub> subs) {
    List<UnstoredSubsegment> unstored = new ArrayList<>();
    subs.forEach(
        sub -> unstored.add(new UnstoredSubsegment(subsegment(sub), new byte[0], sub.spans())));
    return unstored;
  }

  private static Subsegment subsegment(Sub sub) {
    return new Subsegment(
        sub.id(),
        sub.parent(),
        sub.root(),
        sub.spans().length,
        sub.bytes(),
        0,
        0,
        1,
        SourcePositions.of(new int[0], new long[0]));
  }
}

package io.spanfold.store;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.model.Bundle.UnstoredSubsegment;
import io.spanfold.model.FlushedPart;
import io.spanfold.model.SourcePositions;
import io.spanfold.model.Subsegment;
import io.spanfold.model.TraceKey;
import io.spanfold.store.IndexedTrace.Segment;
import io.spanfold.store.IndexedTrace.Sub;
import io.spanfold.testing.Receipts;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import redis.clients.jedis.CommandObjects;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.RedisProtocol;

/** Runs the scripts on real servers, and reads there what they left. */
final class IndexUnderTest implements AutoCloseable {

  private record Filed(TraceKey trace, long subsegment) {}

  static final Duration TTL = Duration.ofHours(2);

  private static final int LARGEST_PAYLOAD = 300;

  private final List<URI> nodes;
  private final boolean merged;
  private final Map<Filed, Long> filed = new HashMap<>();
  private final RedisPipelines pipelines;
  private final RedisScripts scripts =
      new RedisScripts(new CommandObjects(RedisProtocol.RESP2), TTL);

  IndexUnderTest(List<URI> nodes) {
    this(nodes, false);
  }

  /** Where {@code merged}, each subsegment has a payload beside the index. */
  IndexUnderTest(List<URI> nodes, boolean merged) {
    this.nodes = nodes;
    this.merged = merged;
    RetryPolicy retries = RetryPolicy.within(Duration.ofSeconds(20));
    this.pipelines =
        new RedisPipelines(StoreConnector.connect(StoreSettings.of(nodes), retries), retries);
  }

  List<RedisScripts.IndexedSubsegment> add(TraceKey trace, List<Sub> subs) {
    return addAll(trace, List.of(subs)).get(0);
  }

  List<List<RedisScripts.IndexedSubsegment>> addAll(TraceKey trace, List<List<Sub>> calls) {
    List<RedisCommand<Object>> commands =
        calls.stream().map(subs -> added(trace, unstored(subs))).toList();
    List<List<RedisScripts.IndexedSubsegment>> answers =
        pipelines.send("add", commands).stream().map(RedisScripts::indexed).toList();
    for (int i = 0; i < calls.size(); i++) {
      for (int j = 0; j < calls.get(i).size(); j++) {
        filed.put(new Filed(trace, calls.get(i).get(j).id()), answers.get(i).get(j).root());
      }
    }
    return answers;
  }

  /** Adds subsegments, and returns them as the store would. */
  List<Subsegment> store(TraceKey trace, List<UnstoredSubsegment> unstored) {
    List<RedisScripts.IndexedSubsegment> answers =
        RedisScripts.indexed(pipelines.send("add", List.of(added(trace, unstored))).get(0));
    List<Subsegment> stored = new ArrayList<>();
    for (int i = 0; i < answers.size(); i++) {
      stored.add(
          unstored.get(i).subsegment().stored(1, layouts()).filedUnder(answers.get(i).root()));
    }
    return stored;
  }

  RedisScripts.Removed finish(TraceKey trace, long segment, List<Sub> subs) {
    return finish(trace, segment, subs, "");
  }

  RedisScripts.Removed finish(TraceKey trace, long segment, List<Sub> subs, String lockOwner) {
    FlushedPart.Receipt receipt =
        Receipts.of(
            trace,
            segment,
            subs.stream()
                .map(sub -> subsegment(sub).filedUnder(filed.get(new Filed(trace, sub.id()))))
                .toList(),
            subs.stream().flatMapToLong(sub -> Arrays.stream(sub.spans())).toArray());
    return finish(receipt, lockOwner);
  }

  RedisScripts.Removed finish(FlushedPart.Receipt receipt, String lockOwner) {
    return RedisScripts.removed(
        pipelines.send("finish", List.of(scripts.finishFlush(receipt, lockOwner))).get(0));
  }

  /** Returns how many redirects a trace has. */
  long redirects(TraceKey trace) {
    long redirects = 0;
    for (URI node : nodes) {
      try (Jedis jedis = new Jedis(node)) {
        if (!jedis.keys(RedisKeys.redirects(trace)).isEmpty()) {
          // All but the count of subsegments, and the mark of merged payloads.
          redirects += jedis.hlen(RedisKeys.redirects(trace)) - (merged ? 2 : 1);
        }
      }
    }
    return redirects;
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

  /**
   * Returns the segments of a trace; fails where a key of it has no sufficient TTL, and where
   * merged payloads are not exactly those of the subsegments.
   */
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

  private Segment segment(Jedis jedis, TraceKey trace, String membersKey) {
    long id = Long.parseUnsignedLong(membersKey.substring(membersKey.length() - 16), 16);
    Set<String> members =
        jedis.smembers(membersKey).stream()
            .filter(member -> !member.startsWith("n"))
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(jedis.smembers(RedisKeys.segment(trace, id)))
        .isEqualTo(
            merged
                ? members.stream().map(IndexUnderTest::member).collect(Collectors.toSet())
                : Set.of());
    return new Segment(
        members,
        Long.parseLong(jedis.get(RedisKeys.spanCount(trace, id))),
        Long.parseLong(jedis.get(RedisKeys.recordBytes(trace, id))),
        jedis.exists(RedisKeys.hasRoot(trace, id)));
  }

  @Override
  public void close() {
    pipelines.close();
  }

  private RedisCommand<Object> added(TraceKey trace, List<UnstoredSubsegment> unstored) {
    List<byte[]> filed =
        unstored.stream()
            .map(each -> merged ? member(IndexedTrace.hex(each.subsegment().id())) : "")
            .map(member -> member.getBytes(US_ASCII))
            .toList();
    return scripts.addSubsegments(trace, unstored, filed);
  }

  /** Returns the member that stands for a subsegment's payload. */
  private static String member(String id) {
    return id + "x".repeat(Math.floorMod(id.hashCode(), LARGEST_PAYLOAD));
  }

  private int layouts() {
    return merged ? MergedLayout.BIT : DistributedLayout.BIT;
  }

  private List<UnstoredSubsegment> unstored(List<Sub> subs) {
    List<UnstoredSubsegment> unstored = new ArrayList<>();
    subs.forEach(
        sub -> unstored.add(new UnstoredSubsegment(subsegment(sub), new byte[0], sub.spans())));
    return unstored;
  }

  private Subsegment subsegment(Sub sub) {
    return new Subsegment(
        sub.id(),
        sub.parent(),
        sub.root(),
        sub.spans().length,
        sub.bytes(),
        0,
        layouts(),
        1,
        SourcePositions.of(new int[0], new long[0]));
  }
}

package io.spanfold.buffer;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.IndexedTrace.Segment;
import io.spanfold.buffer.IndexedTrace.Sub;
import io.spanfold.buffer.layout.DistributedLayout;
import io.spanfold.buffer.layout.MergedLayout;
import io.spanfold.buffer.layout.SmallLayout;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.RetryPolicy;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.testing.Receipts;
import io.spanfold.testing.Spans;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import redis.clients.jedis.Jedis;

/** Runs the scripts on real servers, and reads the resulting keys. */
final class IndexUnderTest implements AutoCloseable {

  static final Duration TTL = Duration.ofHours(2);

  private static final int LARGEST_PAYLOAD = 300;

  private final List<URI> nodes;
  private final int layouts;
  private final RedisPipelines pipelines;
  private final IndexScripts scripts = new IndexScripts(TTL);

  IndexUnderTest(List<URI> nodes) {
    this(nodes, DistributedLayout.BIT);
  }

  /** Each subsegment has a payload in the layouts of these bits. */
  IndexUnderTest(List<URI> nodes, int layouts) {
    this.nodes = nodes;
    this.layouts = layouts;
    RetryPolicy retries = RetryPolicy.within(Duration.ofSeconds(20));
    this.pipelines = RedisPipelines.connect(ConnectionSettings.of(nodes), retries);
  }

  List<IndexedTrace.Answer> add(TraceKey trace, List<Sub> subs) {
    return addAll(trace, List.of(subs)).get(0);
  }

  List<List<IndexedTrace.Answer>> addAll(TraceKey trace, List<List<Sub>> calls) {
    List<RedisCommand<Object>> commands =
        calls.stream().map(subs -> added(trace, unstored(subs))).toList();
    return pipelines.send("add", commands).stream().map(IndexUnderTest::answers).toList();
  }

  /** Adds subsegments, and returns them as the store would. */
  List<Subsegment> store(TraceKey trace, List<UnstoredSubsegment> unstored) {
    pipelines.send("add", added(trace, unstored));
    return unstored.stream().map(each -> each.subsegment().stored(1, layouts)).toList();
  }

  private static List<IndexedTrace.Answer> answers(Object answer) {
    List<?> fields = (List<?>) answer;
    List<IndexedTrace.Answer> answers = new ArrayList<>(fields.size() / 2);
    for (int i = 0; i < fields.size(); i += 2) {
      long root = Hex.parseId(new String((byte[]) fields.get(i), US_ASCII));
      answers.add(new IndexedTrace.Answer(root, (Long) fields.get(i + 1) == 1));
    }
    return answers;
  }

  long finish(TraceKey trace, long segment, List<Sub> subs) {
    return finish(trace, segment, subs, "");
  }

  long finish(TraceKey trace, long segment, List<Sub> subs, String lockOwner) {
    FlushedPart.Receipt receipt =
        Receipts.of(
            trace,
            segment,
            subs.stream().map(sub -> subsegment(sub)).toList(),
            subs.stream().flatMapToLong(sub -> Arrays.stream(sub.spans())).toArray());
    return finish(receipt, lockOwner);
  }

  long finish(FlushedPart.Receipt receipt, String lockOwner) {
    return (Long) pipelines.send("finish", scripts.finishFlush(receipt, lockOwner));
  }

  /** Returns how many redirects a trace has. */
  long redirects(TraceKey trace) {
    return index(trace).keySet().stream().filter(field -> field.matches("[0-9a-f]{16}")).count();
  }

  private Map<String, String> index(TraceKey trace) {
    Map<String, String> index = new TreeMap<>();
    for (URI node : nodes) {
      try (Jedis jedis = new Jedis(node)) {
        if (!jedis.keys(RedisKeys.index(trace)).isEmpty()) {
          index.putAll(jedis.hgetAll(RedisKeys.index(trace)));
        }
      }
    }
    return index;
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
   * Returns the segments of a trace; fails if a key of it has no sufficient TTL, if payloads are
   * not exactly those of the subsegments, if the count of subsegments is wrong, or if the index
   * remembers a former name of no segment.
   */
  Map<String, Segment> segments(TraceKey trace) {
    Map<String, String> index = index(trace);
    Map<String, Set<String>> members = new TreeMap<>();
    Map<String, Segment> segments = new TreeMap<>();
    Set<String> names = new TreeSet<>();
    index.forEach(
        (field, value) -> {
          if (field.startsWith("m") && !field.equals("merged")) {
            members
                .computeIfAbsent(root(index, value), root -> new TreeSet<>())
                .add(field.substring(1));
          }
        });
    index.forEach(
        (field, value) -> {
          if (field.startsWith("s") && !field.equals("subsegments")) {
            String id = field.substring(1);
            String[] stored = value.split(" ");
            Set<String> of = members.getOrDefault(id, Set.of());
            assertThat(Integer.parseInt(stored[0])).as(field).isEqualTo(of.size());
            segments.put(
                id,
                new Segment(
                    of,
                    Long.parseLong(stored[1]),
                    Long.parseLong(stored[2]),
                    stored[3].equals("1")));
            for (String name = stored.length > 4 ? stored[4] : ""; !name.isEmpty(); ) {
              assertThat(root(index, name)).as("where %s leads", name).isEqualTo(id);
              assertThat(names.add(name)).as("%s once", name).isTrue();
              String next = index.get("n" + name);
              assertThat(next.isEmpty()).isEqualTo(name.equals(stored[5]));
              name = next;
            }
          }
        });
    assertThat(segments.keySet()).containsAll(members.keySet());
    assertThat(index.keySet().stream().filter(field -> field.startsWith("n")).toList())
        .containsExactlyInAnyOrderElementsOf(names.stream().map(name -> "n" + name).toList());
    if (!index.isEmpty()) {
      assertThat(Integer.parseInt(index.get("subsegments")))
          .isEqualTo(members.values().stream().mapToInt(Set::size).sum());
    }
    for (URI node : nodes) {
      try (Jedis jedis = new Jedis(node)) {
        checkPayloads(jedis, trace, segments);
        for (String key : jedis.keys(RedisKeys.PREFIX + "*{" + trace + "}*")) {
          assertThat(jedis.ttl(key)).as(key).isBetween(TTL.toSeconds() * 3 / 4, TTL.toSeconds());
        }
      }
    }
    return segments;
  }

  private static String root(Map<String, String> index, String id) {
    String at = id;
    for (int steps = 0; steps <= index.size(); steps++) {
      String to = index.get(at);
      if (to == null || to.equals(at)) {
        return at;
      }
      at = to;
    }
    throw new AssertionError("redirects from " + id + " go in a circle");
  }

  private void checkPayloads(Jedis jedis, TraceKey trace, Map<String, Segment> segments) {
    if (jedis.keys(RedisKeys.index(trace)).isEmpty()) {
      return;
    }
    segments.forEach(
        (id, segment) ->
            assertThat(jedis.smembers(RedisKeys.segment(trace, Long.parseUnsignedLong(id, 16))))
                .isEqualTo(
                    (layouts & MergedLayout.BIT) == 0
                        ? Set.of()
                        : segment.members().stream()
                            .map(member -> member + payload(member))
                            .collect(Collectors.toSet())));
    if ((layouts & SmallLayout.BIT) != 0) {
      Map<String, String> small = new TreeMap<>();
      segments.values().stream()
          .flatMap(segment -> segment.members().stream())
          .forEach(member -> small.put(member, payload(member)));
      assertThat(jedis.hgetAll(RedisKeys.smallPayloads(trace))).isEqualTo(small);
    }
  }

  @Override
  public void close() {
    pipelines.close();
  }

  private RedisCommand<Object> added(TraceKey trace, List<UnstoredSubsegment> unstored) {
    List<byte[]> payloads =
        unstored.stream()
            .map(each -> payload(IndexedTrace.hex(each.subsegment().id())).getBytes(US_ASCII))
            .toList();
    return scripts.addSubsegments(trace, unstored, payloads, layouts);
  }

  /** Returns a payload that names its subsegment. */
  private static String payload(String id) {
    return "x".repeat(Math.floorMod(id.hashCode(), LARGEST_PAYLOAD));
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
        layouts,
        1,
        Spans.positions());
  }
}

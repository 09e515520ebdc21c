package io.spanfold.buffer.index;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static io.spanfold.buffer.redis.RedisKeys.ascii;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.RetryPolicy;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.TraceKey;
import java.net.URI;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import redis.clients.jedis.Jedis;

/** Runs the scripts on real servers as the store does, and reads the resulting keys. */
final class IndexUnderTest implements AutoCloseable {

  static final Duration TTL = Duration.ofHours(2);
  static final LockOwner OWNER = new LockOwner("job", 7);

  private static final int LARGEST_PAYLOAD = 300;

  /** How shares are added. */
  enum Form {
    /** Packed for as long as they fit. */
    PACKED,
    /** At once to records of large traces. */
    LARGE,
    /** The same, with merged payloads. */
    MERGED
  }

  final Buckets buckets;

  /** The clock of the calls; so late that the sentinel, read as a record, would be old. */
  Instant now = Instant.ofEpochSecond(3_000_000_000L);

  /** Sends the calls. */
  Function<List<RedisCommand<Object>>, List<Object>> sender;

  private final List<URI> nodes;
  private final Form form;
  private final RedisPipelines pipelines;
  private final BucketTags tags;
  private final IndexScripts scripts;

  IndexUnderTest(List<URI> nodes, Form form, Buckets buckets) {
    this(nodes, form, buckets, Duration.ofSeconds(20));
  }

  IndexUnderTest(List<URI> nodes, Form form, Buckets buckets, Duration retries) {
    this.nodes = nodes;
    this.form = form;
    this.buckets = buckets;
    this.pipelines =
        RedisPipelines.connect(ConnectionSettings.of(nodes), RetryPolicy.within(retries));
    this.sender = commands -> pipelines.send("test", commands);
    this.tags = new BucketTags(buckets);
    this.scripts = new IndexScripts(tags, TTL, () -> now);
  }

  /** Adds shares, of each trace one. */
  void add(List<TraceShare> shares) {
    addAll(List.of(shares));
  }

  /** Adds the shares of several batches in one pipeline. */
  void addAll(List<List<TraceShare>> batches) {
    List<TraceShare> large = new ArrayList<>();
    List<AddCall> calls = new ArrayList<>();
    for (List<TraceShare> shares : batches) {
      Map<Integer, List<TraceShare>> byBucket = new TreeMap<>();
      for (TraceShare share : shares) {
        if (form != Form.PACKED || IndexScripts.isLarge(share)) {
          large.add(share);
        } else {
          byBucket
              .computeIfAbsent(buckets.of(share.trace()), bucket -> new ArrayList<>())
              .add(share);
        }
      }
      byBucket.forEach((bucket, some) -> calls.addAll(scripts.addSubsegments(bucket, some)));
    }
    List<Object> answers = sender.apply(calls.stream().map(AddCall::command).toList());
    for (int i = 0; i < calls.size(); i++) {
      large.addAll(calls.get(i).large(answers.get(i)));
    }
    addLarge(large);
  }

  private void addLarge(List<TraceShare> shares) {
    List<AddLargeCall> calls = new ArrayList<>();
    for (TraceShare share : shares) {
      List<byte[]> payloads =
          form == Form.MERGED
              ? share.subsegments().stream().map(each -> ascii(payload(each.id()))).toList()
              : null;
      calls.addAll(scripts.addLarge(share, payloads));
    }
    while (!calls.isEmpty()) {
      List<Object> answers = sender.apply(calls.stream().map(AddLargeCall::command).toList());
      List<AddLargeCall> next = new ArrayList<>();
      for (int i = 0; i < calls.size(); i++) {
        calls.get(i).next(answers.get(i)).ifPresent(next::add);
      }
      calls = next;
    }
  }

  /** Finishes receipts; empty if that was refused. */
  Optional<Set<Long>> finish(List<Receipt> receipts, LockOwner owner) {
    Map<Integer, List<Receipt>> byBucket =
        receipts.stream().collect(Collectors.groupingBy(each -> buckets.of(each.trace())));
    List<FinishCall> calls = new ArrayList<>();
    byBucket.forEach((bucket, some) -> calls.addAll(scripts.finishFlush(bucket, some, owner)));
    List<Object> answers = sender.apply(calls.stream().map(FinishCall::command).toList());
    Set<Long> free = new TreeSet<>();
    Set<Receipt> large = new LinkedHashSet<>();
    for (int i = 0; i < calls.size(); i++) {
      Finished finished = calls.get(i).finished(answers.get(i));
      if (finished.refused()) {
        return Optional.empty();
      }
      finished.free().stream().map(SmallPayload::id).forEach(free::add);
      large.addAll(finished.large());
    }
    for (Receipt receipt : large) {
      Finished finished = finishLarge(receipt, owner);
      if (finished.refused()) {
        return Optional.empty();
      }
      finished.free().stream().map(SmallPayload::id).forEach(free::add);
    }
    return Optional.of(free);
  }

  Set<Long> finish(List<Receipt> receipts) {
    return finish(receipts, OWNER).orElseThrow();
  }

  /** Makes so many calls about a large trace; returns whether more would have followed. */
  boolean finishSome(Receipt receipt, int count) {
    int made = 0;
    for (FinishLargeCall each : scripts.finishLarge(receipt, form == Form.MERGED, OWNER)) {
      Optional<FinishLargeCall> call = Optional.of(each);
      while (call.isPresent()) {
        if (made++ == count) {
          return true;
        }
        FinishLargeCall next = call.get();
        call = next.next(sender.apply(List.of(next.command())).get(0));
      }
    }
    return false;
  }

  private Finished finishLarge(Receipt receipt, LockOwner owner) {
    List<SmallPayload> free = new ArrayList<>();
    for (FinishLargeCall each : scripts.finishLarge(receipt, form == Form.MERGED, owner)) {
      FinishLargeCall call = each;
      while (true) {
        Object answer = sender.apply(List.of(call.command())).get(0);
        Optional<FinishLargeCall> next = call.next(answer);
        if (next.isPresent()) {
          call = next.get();
          continue;
        }
        Finished finished = call.finished(answer);
        if (finished.refused()) {
          return finished;
        }
        free.addAll(finished.free());
        break;
      }
    }
    return new Finished(false, free, List.of());
  }

  String lock(int bucket, LockOwner owner) {
    Object answer =
        sender.apply(List.of(scripts.lockFlush(bucket, owner, Duration.ofMinutes(5)))).get(0);
    return new String((byte[]) answer, US_ASCII);
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

  /** Returns the record of a trace in its bucket; null if there is none. */
  byte[] record(TraceKey trace) {
    byte[] key = ascii(tracesKey(trace));
    return pipelines.send("read", RedisCommand.of(key, REDIS.hget(key, TraceField.of(trace)), 0));
  }

  String tracesKey(TraceKey trace) {
    return RedisKeys.traces(tags.of(trace));
  }

  /**
   * Returns the segments of a trace; fails if counters are wrong, if a key of it has no sufficient
   * TTL, or if merged payloads are not exactly those of the subsegments.
   */
  Map<Long, IndexModel.View> segments(TraceKey trace) {
    byte[] bytes = record(trace);
    if (bytes == null) {
      return Map.of();
    }
    assertThat(bytes.length).isLessThanOrEqualTo(ShareEncoder.MAX_RECORD_BYTES);
    assertTtl(tracesKey(trace));
    TraceRecord record = TraceRecord.decode(bytes);
    return record.large() ? largeSegments(trace) : packedSegments(record);
  }

  /** Returns the segments of a packed record; fails if an id is there twice. */
  static Map<Long, IndexModel.View> packedSegments(TraceRecord record) {
    Map<Long, IndexModel.View> segments = new TreeMap<>();
    record
        .segments()
        .forEach(
            segment -> {
              Map<Long, SubsegmentRecord> subsegments = new TreeMap<>();
              segment.subsegments().forEach(each -> subsegments.put(each.id(), each));
              assertThat(subsegments).hasSameSizeAs(segment.subsegments());
              Set<Long> spans = new TreeSet<>(segment.spanIds());
              assertThat(spans).hasSameSizeAs(segment.spanIds());
              segments.put(
                  segment.name(),
                  new IndexModel.View(
                      new TreeSet<>(segment.formerNames()), spans, segment.hasRoot(), subsegments));
            });
    assertThat(segments).hasSameSizeAs(record.segments());
    return segments;
  }

  private Map<Long, IndexModel.View> largeSegments(TraceKey trace) {
    byte[] key = ascii(RedisKeys.largeTrace(tags.of(trace), trace));
    assertTtl(RedisKeys.largeTrace(tags.of(trace), trace));
    Map<byte[], byte[]> hash = pipelines.send("read", RedisCommand.of(key, REDIS.hgetAll(key), 0));
    Map<String, byte[]> fields = new HashMap<>();
    hash.forEach((field, value) -> fields.put(new String(field, ISO_8859_1), value));

    Map<Long, IndexModel.View> segments = new TreeMap<>();
    Map<Long, Integer> payloads = new TreeMap<>();
    long subsegments = 0;
    for (Map.Entry<String, byte[]> each : fields.entrySet()) {
      String field = each.getKey();
      byte[] value = each.getValue();
      if (field.length() == 8) {
        long id = ByteBuffer.wrap(field.getBytes(ISO_8859_1)).getLong();
        long root = root(fields, id);
        if (id != root && !fields.containsKey("n" + field)) {
          segment(segments, root).spans().add(id);
        }
      } else if (field.charAt(0) == 'm' && field.length() == 9) {
        ByteBuffer in = ByteBuffer.wrap(value);
        long id = ByteBuffer.wrap(field.getBytes(ISO_8859_1), 1, 8).slice().getLong();
        IndexModel.View segment = segment(segments, root(fields, in.getLong()));
        SubsegmentRecord subsegment = SubsegmentRecord.read(id, in);
        segment.subsegments().put(id, subsegment);
        subsegments++;
        if (subsegment.isSmall()) {
          payloads.merge(subsegment.payload(), 1, Integer::sum);
        }
      }
    }
    fields.forEach(
        (field, value) -> {
          if (field.charAt(0) == 'p' && field.length() == 9) {
            long payload = ByteBuffer.wrap(field.getBytes(ISO_8859_1), 1, 8).slice().getLong();
            assertThat(payloads.remove(payload))
                .isEqualTo(Integer.parseInt(new String(value, US_ASCII)));
          }
        });
    assertThat(payloads).isEmpty();
    assertThat(Long.parseLong(new String(fields.get("subsegments"), US_ASCII)))
        .isEqualTo(subsegments);
    return withCounters(trace, fields, segments);
  }

  private Map<Long, IndexModel.View> withCounters(
      TraceKey trace, Map<String, byte[]> fields, Map<Long, IndexModel.View> found) {
    Map<Long, IndexModel.View> segments = new TreeMap<>();
    Set<Long> names = new TreeSet<>();
    found.forEach(
        (name, segment) -> {
          String field = new String(bytes(name), ISO_8859_1);
          byte[] counters = fields.get("s" + field);
          if (counters == null) {
            assertThat(segment.subsegments()).isEmpty();
            segments.put(name, segment);
            return;
          }
          assertThat(root(fields, name)).isEqualTo(name);
          String text = new String(counters, ISO_8859_1);
          long spans = segment.subsegments().values().stream().mapToLong(s -> s.spans()).sum();
          long bytes =
              segment.subsegments().values().stream().mapToLong(s -> s.recordBytes()).sum();
          String start = segment.subsegments().size() + " " + spans + " " + bytes + " ";
          assertThat(text).startsWith(start);
          boolean root = text.charAt(start.length()) == '1';
          String ends = text.substring(start.length() + 1);
          String at = ends.isEmpty() ? "" : ends.substring(0, 8);
          while (!at.isEmpty()) {
            long former = ByteBuffer.wrap(at.getBytes(ISO_8859_1)).getLong();
            assertThat(root(fields, former)).isEqualTo(name);
            assertThat(segment.formerNames().add(former)).isTrue();
            names.add(former);
            String next = new String(fields.get("n" + at), ISO_8859_1);
            assertThat(next.isEmpty()).isEqualTo(at.equals(ends.substring(8)));
            at = next;
          }
          segments.put(
              name,
              new IndexModel.View(
                  segment.formerNames(), segment.spans(), root, segment.subsegments()));
          assertMerged(trace, name, segment.subsegments().keySet());
        });
    assertThat(fields.keySet().stream().filter(f -> f.length() == 9 && f.charAt(0) == 'n'))
        .hasSameSizeAs(names);
    return segments;
  }

  private void assertMerged(TraceKey trace, long segment, Set<Long> subsegments) {
    String name = RedisKeys.merged(tags.of(trace), trace, segment);
    byte[] key = ascii(name);
    Map<byte[], byte[]> payloads =
        pipelines.send("read", RedisCommand.of(key, REDIS.hgetAll(key), 0));
    Map<Long, String> found = new TreeMap<>();
    payloads.forEach(
        (id, payload) -> found.put(ByteBuffer.wrap(id).getLong(), new String(payload, US_ASCII)));
    Map<Long, String> expected = new TreeMap<>();
    if (form == Form.MERGED) {
      assertTtl(name);
      subsegments.forEach(id -> expected.put(id, payload(id)));
    }
    assertThat(found).isEqualTo(expected);
  }

  private void assertTtl(String name) {
    byte[] key = ascii(name);
    assertThat(pipelines.send("read", RedisCommand.of(key, REDIS.ttl(key), 0)))
        .as(name)
        .isBetween(TTL.toSeconds() * 3 / 4, TTL.toSeconds());
  }

  private static IndexModel.View segment(Map<Long, IndexModel.View> segments, long name) {
    return segments.computeIfAbsent(
        name, key -> new IndexModel.View(new TreeSet<>(), new TreeSet<>(), false, new TreeMap<>()));
  }

  private static long root(Map<String, byte[]> fields, long id) {
    long at = id;
    for (int steps = 0; steps <= fields.size(); steps++) {
      byte[] to = fields.get(new String(bytes(at), ISO_8859_1));
      if (to == null || ByteBuffer.wrap(to).getLong() == at) {
        return at;
      }
      at = ByteBuffer.wrap(to).getLong();
    }
    throw new AssertionError("redirects from " + id + " go in a circle");
  }

  private static byte[] bytes(long id) {
    return ByteBuffer.allocate(Long.BYTES).putLong(id).array();
  }

  /** Returns a payload that names its subsegment. */
  private static String payload(long id) {
    return "x".repeat(1 + Math.floorMod(Long.hashCode(id), LARGEST_PAYLOAD));
  }

  @Override
  public void close() {
    pipelines.close();
  }
}

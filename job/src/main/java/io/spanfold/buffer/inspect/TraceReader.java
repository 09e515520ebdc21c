package io.spanfold.buffer.inspect;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static io.spanfold.buffer.redis.RedisKeys.ascii;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.buffer.compression.PayloadCompression;
import io.spanfold.buffer.index.TraceField;
import io.spanfold.buffer.index.TraceRecord;
import io.spanfold.buffer.inspect.BufferedTrace.Lock;
import io.spanfold.buffer.inspect.BufferedTrace.Payload;
import io.spanfold.buffer.layout.SmallPayloadKeys;
import io.spanfold.buffer.redis.BufferKey;
import io.spanfold.buffer.redis.BufferKey.Kind;
import io.spanfold.buffer.redis.HashScan;
import io.spanfold.buffer.redis.KeyScan;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisNodes;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.RetryPolicy;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.TraceKey;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import redis.clients.jedis.CommandObject;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/**
 * Reads everything of a trace. Buckets are found by a scan of the keys, so neither the number of
 * buckets nor the job's configuration is needed. Small and merged payloads are read whole; of
 * distributed ones only the header. For use by one thread, once.
 */
final class TraceReader {

  private static final String WHAT = "read a trace in Redis";

  /** A pattern of the beginnings of all keys with records of traces, among others. */
  static final String RECORDS = RedisKeys.PREFIX + "[ta]";

  private static final byte[] ALL_FIELDS = ascii("*");

  /** Bytes of a pattern that Redis would not take literally. */
  private static final String SPECIAL = "*?[\\";

  /** Payloads per page. */
  private static final ScanParams PAYLOADS = new ScanParams().count(10);

  /** Fields per page. */
  private static final int FIELDS = 1_000;

  private static final long PAGE_BYTES = 50_000;

  private static final Comparator<TraceKey> BY_NAME = Comparator.comparing(TraceKey::toString);

  private final RedisNodes nodes;
  private final RedisPipelines pipelines;
  private final RetryPolicy retries;
  private final OptionalLong project;
  private final long high;
  private final long low;

  private final SortedMap<Found, BufferedTrace> traces =
      new TreeMap<>(
          Comparator.comparing(Found::trace, BY_NAME)
              .thenComparing(found -> found.round.orElse(-1)));

  private record Found(TraceKey trace, OptionalInt round) {}

  /**
   * Creates a reader.
   *
   * @param trace {@code project:trace}, or a trace's 32 digits for that trace in all projects
   */
  TraceReader(RedisNodes nodes, RedisPipelines pipelines, RetryPolicy retries, String trace) {
    this.nodes = nodes;
    this.pipelines = pipelines;
    this.retries = retries;
    int colon = trace.indexOf(':');
    String id = trace.substring(colon + 1);
    this.project =
        colon < 0
            ? OptionalLong.empty()
            : OptionalLong.of(Long.parseLong(trace.substring(0, colon)));
    this.high = Hex.parseId(id.substring(0, 16));
    this.low = Hex.parseId(id.substring(16));
  }

  /** Returns what there is of the trace, by project, the trace itself before its leftovers. */
  Collection<BufferedTrace> read() {
    scan(RECORDS, key -> key.kind() == Kind.TRACES, this::readRecord);
    List<BufferKey> payloads = new ArrayList<>();
    scan(ownKeys(), this::isWanted, key -> readOwn(key, payloads));
    traces.values().forEach(BufferedTrace::resolve);
    readSmall();
    readDistributed(payloads);
    traces.values().forEach(this::readLock);
    return traces.values();
  }

  private void scan(String pattern, Predicate<BufferKey> filter, Consumer<BufferKey> visitor) {
    KeyScan scan = new KeyScan(nodes, retries, pattern);
    for (List<String> page = scan.next(); page != null; page = scan.next()) {
      page.stream().map(BufferKey::parse).flatMap(Optional::stream).filter(filter).forEach(visitor);
    }
  }

  /** Returns the start of a pattern of all keys that name the trace. */
  String ownKeys() {
    String id = Hex.id(high, low);
    return RedisKeys.PREFIX
        + "*"
        + (project.isPresent() ? "[:{]" + project.getAsLong() + ":" : ":")
        + id;
  }

  /** Returns whether a key names the trace. */
  boolean isOfTrace(String key) {
    return BufferKey.parse(key).filter(this::isWanted).isPresent();
  }

  private boolean isWanted(BufferKey key) {
    TraceKey trace = key.trace();
    return trace != null
        && trace.traceHigh() == high
        && trace.traceLow() == low
        && (project.isEmpty() || trace.projectId() == project.getAsLong());
  }

  /** Looks for the trace among the records of a bucket. */
  private void readRecord(BufferKey bucket) {
    byte[] key =
        ascii(
            bucket.round().isPresent()
                ? RedisKeys.quarantinedTraces(bucket.tag(), bucket.round().getAsInt())
                : RedisKeys.traces(bucket.tag()));
    if (project.isPresent()) {
      TraceKey trace = new TraceKey(project.getAsLong(), high, low);
      byte[] record = send(key, REDIS.hget(key, TraceField.of(trace)));
      if (record != null) {
        addRecord(bucket, trace, record);
      }
      return;
    }
    new HashScan(pipelines, WHAT, ofAllProjects(), FIELDS, PAGE_BYTES)
        .visit(
            List.of(key),
            (i, name, record) ->
                TraceField.trace(name).ifPresent(trace -> addRecord(bucket, trace, record)));
  }

  private void addRecord(BufferKey bucket, TraceKey trace, byte[] record) {
    BufferedTrace found = trace(trace, bucket.round(), bucket.tag());
    try {
      found.addRecord(TraceRecord.decode(record));
    } catch (IllegalArgumentException e) {
      // A form that this version does not know: the trace is shown without its contents.
    }
  }

  /** Returns a pattern of the fields of the trace in all projects. */
  private byte[] ofAllProjects() {
    ByteArrayOutputStream pattern = new ByteArrayOutputStream();
    for (byte each : ByteBuffer.allocate(2 * Long.BYTES).putLong(high).putLong(low).array()) {
      if (SPECIAL.indexOf(each) >= 0) {
        pattern.write('\\');
      }
      pattern.write(each);
    }
    pattern.write('*');
    return pattern.toByteArray();
  }

  private void readOwn(BufferKey key, List<BufferKey> payloads) {
    switch (key.kind()) {
      case LARGE -> readLarge(key);
      case MERGED -> readMerged(key);
      case PAYLOAD -> payloads.add(key);
      default -> {
        // No other key names a trace.
      }
    }
  }

  private void readLarge(BufferKey key) {
    String name =
        key.round().isPresent()
            ? RedisKeys.quarantinedLargeTrace(key.tag(), key.round().getAsInt(), key.trace())
            : RedisKeys.largeTrace(key.tag(), key.trace());
    BufferedTrace found = trace(key.trace(), key.round(), key.tag());
    new HashScan(pipelines, WHAT, ALL_FIELDS, FIELDS, PAGE_BYTES)
        .visit(List.of(ascii(name)), (i, field, value) -> found.addField(field, value));
  }

  private void readMerged(BufferKey key) {
    long segment = key.id().getAsLong();
    byte[] name =
        ascii(
            key.round().isPresent()
                ? RedisKeys.quarantinedMerged(
                    key.tag(), key.round().getAsInt(), key.trace(), segment)
                : RedisKeys.merged(key.tag(), key.trace(), segment));
    BufferedTrace found = trace(key.trace(), key.round(), key.tag());
    byte[] cursor = ScanParams.SCAN_POINTER_START_BINARY;
    do {
      ScanResult<Map.Entry<byte[], byte[]>> page = send(name, REDIS.hscan(name, cursor, PAYLOADS));
      for (Map.Entry<byte[], byte[]> field : page.getResult()) {
        byte[] stored = field.getValue();
        if (field.getKey().length == Long.BYTES) {
          found.addMerged(
              Hex.id(segment),
              Hex.id(ByteBuffer.wrap(field.getKey()).getLong()),
              payload(name, stored.length, stored, null));
        }
      }
      cursor = page.getCursorAsBytes();
    } while (!Arrays.equals(cursor, ScanParams.SCAN_POINTER_START_BINARY));
  }

  /** Asks all hashes of the bucket, so that a payload is found in whichever it is. */
  private void readSmall() {
    if (traces.values().stream().allMatch(trace -> trace.smallPayloads().isEmpty())) {
      return;
    }
    SmallPayloadKeys keys = SmallPayloadKeys.find(nodes, retries);
    for (BufferedTrace trace : traces.values()) {
      for (long id : trace.smallPayloads()) {
        byte[] field = ByteBuffer.allocate(Long.BYTES).putLong(id).array();
        for (String key : keys.of(trace.bucket())) {
          byte[] stored = send(ascii(key), REDIS.hget(ascii(key), field));
          if (stored != null) {
            trace.addSmall(id, payload(ascii(key), stored.length, stored, null));
          }
        }
      }
    }
  }

  /**
   * Quarantine does not rename distributed payloads: they are of the trace whose index has them.
   */
  private void readDistributed(List<BufferKey> keys) {
    List<byte[]> names =
        keys.stream()
            .map(key -> ascii(RedisKeys.payload(key.trace(), key.id().getAsLong())))
            .toList();
    List<Long> ttls = send(names, REDIS::pttl);
    List<Long> lengths = send(names, REDIS::strlen);
    List<byte[]> headers =
        send(names, name -> REDIS.getrange(name, 0, PayloadCompression.MAX_HEADER - 1));
    for (int i = 0; i < names.size(); i++) {
      TraceKey trace = keys.get(i).trace();
      String id = Hex.id(keys.get(i).id().getAsLong());
      Duration ttl = ttls.get(i) < 0 ? null : Duration.ofMillis(ttls.get(i));
      Payload payload = payload(names.get(i), lengths.get(i), headers.get(i), ttl);
      byte[] name = names.get(i);
      traces.values().stream()
          .filter(each -> each.trace().equals(trace) && each.contains(id))
          .findFirst()
          .orElseGet(
              () ->
                  traces.computeIfAbsent(
                      new Found(trace, OptionalInt.empty()),
                      found -> new BufferedTrace(trace, found.round, null, nodes.nodeOf(name))))
          .addDistributed(id, payload);
    }
  }

  private void readLock(BufferedTrace trace) {
    if (trace.bucket() == null || trace.round().isPresent()) {
      return;
    }
    byte[] name = ascii(RedisKeys.flushLock(trace.bucket()));
    byte[] owner = send(name, REDIS.get(name));
    long left = send(name, REDIS.pttl(name));
    if (owner != null && left > 0) {
      trace.setLock(new Lock(new String(owner, US_ASCII), Duration.ofMillis(left)));
    }
  }

  private BufferedTrace trace(TraceKey trace, OptionalInt round, String tag) {
    return traces.computeIfAbsent(
        new Found(trace, round),
        any -> new BufferedTrace(trace, round, tag, nodes.nodeOf(ascii(RedisKeys.traces(tag)))));
  }

  private Payload payload(byte[] key, long bytes, byte[] start, Duration ttl) {
    return new Payload(bytes, PayloadCompression.unpackedLength(start), ttl, nodes.nodeOf(key));
  }

  private <T> List<T> send(List<byte[]> names, Function<byte[], CommandObject<T>> command) {
    return pipelines.send(
        WHAT,
        names.stream()
            .map(name -> RedisCommand.of(name, command.apply(name), name.length))
            .toList());
  }

  private <T> T send(byte[] name, CommandObject<T> command) {
    return pipelines.send(WHAT, RedisCommand.of(name, command, 0));
  }
}

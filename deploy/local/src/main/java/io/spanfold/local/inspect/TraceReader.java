package io.spanfold.local.inspect;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.local.inspect.BufferedTrace.Payload;
import io.spanfold.local.inspect.BufferedTrace.Segment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/**
 * Finds all that a buffer holds of a trace, also what the index does not name: so it walks through
 * all keys of all nodes. What a job changes meanwhile is seen or not. Reads only.
 */
public final class TraceReader {

  private static final int ID_DIGITS = 16;

  /**
   * Members of a set, or fields of a hash, that are asked for at a time where they are payloads.
   */
  private static final ScanParams PAYLOADS = new ScanParams().count(10);

  /** The same of an index. */
  private static final ScanParams FIELDS = new ScanParams().count(1_000);

  private final BufferNodes nodes;

  /** Makes one; nothing is sent yet. */
  public TraceReader(BufferNodes nodes) {
    this.nodes = nodes;
  }

  /**
   * Returns what is there, in words.
   *
   * @param trace {@code project:trace}, or a trace's 32 digits alone for those of all projects
   * @param ttl the job's {@code redis.ttl}, which ages are told by
   */
  public List<String> lines(String trace, Duration ttl) {
    List<String> lines = new ArrayList<>();
    read(trace).forEach(found -> lines.addAll(new TraceReport(ttl).lines(found)));
    return lines.isEmpty() ? List.of("the buffer holds nothing of trace " + trace) : lines;
  }

  Collection<BufferedTrace> read(String trace) {
    Found found = new Found();
    String tag = trace.contains(":") ? trace : "*:" + trace;
    for (HostAndPort node : nodes.all()) {
      try (Jedis jedis = nodes.open(node)) {
        KeyScan.pages(
            jedis,
            BufferKey.PREFIX + "*{" + tag + "[:}]*",
            keys -> {
              List<String> large = page(jedis, node, keys, found);
              large.forEach(key -> walk(jedis, node, key, found));
            });
      }
    }
    return found.arranged();
  }

  /** What was found so far. */
  private final class Found {
    private final SortedMap<String, BufferedTrace> traces = new TreeMap<>();
    private final List<DistributedPayload> distributed = new ArrayList<>();

    BufferedTrace trace(String tag, String round) {
      return traces.computeIfAbsent(
          round == null ? tag : tag + ":" + round,
          any -> new BufferedTrace(tag, round, nodes.nodeOf("span-buf:ssr:{" + tag + "}")));
    }

    /** A distributed payload stays where it is when its trace is set aside. */
    Collection<BufferedTrace> arranged() {
      for (DistributedPayload each : distributed) {
        traces.values().stream()
            .filter(trace -> trace.trace.equals(each.trace) && trace.names(each.id))
            .findFirst()
            .orElseGet(() -> trace(each.trace, null))
            .distributed
            .put(each.id, each.payload);
      }
      traces.values().forEach(BufferedTrace::arrange);
      return traces.values();
    }
  }

  private record DistributedPayload(String trace, String id, Payload payload) {}

  /** Reads what one command a key tells; returns the keys that are to be walked through. */
  private static List<String> page(Jedis jedis, HostAndPort node, List<String> keys, Found found) {
    List<String> large = new ArrayList<>();
    List<Runnable> readers = new ArrayList<>();
    try (Pipeline pipeline = jedis.pipelined()) {
      for (String key : keys) {
        BufferKey parsed = BufferKey.parse(key).orElse(null);
        if (parsed == null) {
          continue;
        }
        switch (parsed.kind()) {
          case PAYLOAD -> readers.add(payload(pipeline, node, key, parsed, found));
          case LOCK -> readers.add(lock(pipeline, key, parsed, found));
          case INDEX, SMALL, MERGED -> large.add(key);
          case LEASE -> {
            // It is no trace's.
          }
        }
      }
      pipeline.sync();
    }
    readers.forEach(Runnable::run);
    return large;
  }

  /** Sends what is to be asked; the answer is taken where the result is run. */
  private static Runnable payload(
      Pipeline pipeline, HostAndPort node, String key, BufferKey parsed, Found found) {
    Response<Long> bytes = pipeline.strlen(key);
    Response<byte[]> head = pipeline.getrange(key.getBytes(US_ASCII), 0, PayloadHead.BYTES - 1);
    Response<Long> left = pipeline.pttl(key);
    return () ->
        found.distributed.add(
            new DistributedPayload(
                parsed.trace(),
                parsed.id(),
                new Payload(
                    bytes.get(),
                    PayloadHead.unpackedBytes(head.get(), 0),
                    millis(left.get()),
                    node)));
  }

  private static Runnable lock(Pipeline pipeline, String key, BufferKey parsed, Found found) {
    Response<String> value = pipeline.get(key);
    Response<Long> left = pipeline.pttl(key);
    return () -> {
      Segment segment = found.trace(parsed.trace(), null).segment(parsed.id());
      segment.lock = value.get();
      segment.lockLeft = millis(left.get());
    };
  }

  private static void walk(Jedis jedis, HostAndPort node, String key, Found found) {
    BufferKey parsed = BufferKey.parse(key).orElseThrow();
    BufferedTrace trace = found.trace(parsed.trace(), parsed.round());
    switch (parsed.kind()) {
      case INDEX -> {
        trace.left = millis(jedis.pttl(key));
        fields(
            jedis,
            key,
            FIELDS,
            field -> trace.field(ascii(field.getKey()), ascii(field.getValue())));
      }
      case SMALL ->
          fields(
              jedis,
              key,
              PAYLOADS,
              field -> trace.small.put(ascii(field.getKey()), payload(field.getValue(), 0, node)));
      case MERGED ->
          members(
              jedis,
              key,
              member ->
                  trace
                      .segment(parsed.id())
                      .merged
                      .put(
                          ascii(Arrays.copyOf(member, ID_DIGITS)),
                          payload(member, ID_DIGITS, node)));
      default -> throw new IllegalStateException("not to be walked through: " + parsed);
    }
  }

  private static Payload payload(byte[] bytes, int from, HostAndPort node) {
    return new Payload(bytes.length - from, PayloadHead.unpackedBytes(bytes, from), null, node);
  }

  private static void fields(
      Jedis jedis, String key, ScanParams page, Consumer<Map.Entry<byte[], byte[]>> visit) {
    byte[] cursor = ScanParams.SCAN_POINTER_START_BINARY;
    do {
      ScanResult<Map.Entry<byte[], byte[]>> fields =
          jedis.hscan(key.getBytes(US_ASCII), cursor, page);
      fields.getResult().forEach(visit);
      cursor = fields.getCursorAsBytes();
    } while (!Arrays.equals(cursor, ScanParams.SCAN_POINTER_START_BINARY));
  }

  private static void members(Jedis jedis, String key, Consumer<byte[]> visit) {
    byte[] cursor = ScanParams.SCAN_POINTER_START_BINARY;
    do {
      ScanResult<byte[]> members = jedis.sscan(key.getBytes(US_ASCII), cursor, PAYLOADS);
      members.getResult().forEach(visit);
      cursor = members.getCursorAsBytes();
    } while (!Arrays.equals(cursor, ScanParams.SCAN_POINTER_START_BINARY));
  }

  private static Duration millis(long left) {
    return left < 0 ? null : Duration.ofMillis(left);
  }

  private static String ascii(byte[] text) {
    return new String(text, US_ASCII);
  }
}

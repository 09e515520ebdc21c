package io.spanfold.local.buffer;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.local.buffer.BufferedTrace.Payload;
import io.spanfold.local.buffer.BufferedTrace.Segment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
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

  /** Members of a set that are asked for at a time; those of merged payloads are long. */
  private static final ScanParams PAGE = new ScanParams().count(10);

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
    SortedMap<String, BufferedTrace> traces = new TreeMap<>();
    String tag = trace.contains(":") ? trace : "*:" + trace;
    for (HostAndPort node : nodes.all()) {
      try (Jedis jedis = nodes.open(node)) {
        KeyScan.pages(
            jedis,
            BufferKey.PREFIX + "*{" + tag + "[:}]*",
            keys -> {
              List<String> sets = page(jedis, node, keys, traces);
              sets.forEach(key -> readSet(jedis, node, key, traces));
            });
      }
    }
    return traces.values();
  }

  /** Reads what one command a key tells; returns the keys of sets. */
  private List<String> page(
      Jedis jedis, HostAndPort node, List<String> keys, SortedMap<String, BufferedTrace> traces) {
    List<String> sets = new ArrayList<>();
    List<Runnable> readers = new ArrayList<>();
    try (Pipeline pipeline = jedis.pipelined()) {
      for (String key : keys) {
        BufferKey.parse(key)
            .filter(parsed -> parsed.trace() != null)
            .ifPresent(
                parsed -> {
                  BufferedTrace trace = traceOf(parsed, traces);
                  if (parsed.kind() == BufferKey.Kind.MEMBERS
                      || parsed.kind() == BufferKey.Kind.MERGED) {
                    sets.add(key);
                  } else {
                    readers.add(reader(pipeline, node, key, parsed, trace));
                  }
                });
      }
      pipeline.sync();
    }
    readers.forEach(Runnable::run);
    return sets;
  }

  private BufferedTrace traceOf(BufferKey key, SortedMap<String, BufferedTrace> traces) {
    return traces.computeIfAbsent(
        key.trace(), name -> new BufferedTrace(name, nodes.nodeOf("span-buf:ssr:{" + name + "}")));
  }

  /** Sends what is to be asked; the answer is taken where the result is run. */
  private static Runnable reader(
      Pipeline pipeline, HostAndPort node, String key, BufferKey parsed, BufferedTrace trace) {
    switch (parsed.kind()) {
      case PAYLOAD -> {
        Response<Long> bytes = pipeline.strlen(key);
        Response<byte[]> head = pipeline.getrange(key.getBytes(US_ASCII), 0, PayloadHead.BYTES - 1);
        Response<Long> left = pipeline.pttl(key);
        return () ->
            trace.payloads.put(
                parsed.id(),
                new Payload(
                    bytes.get(),
                    PayloadHead.unpackedBytes(head.get(), 0),
                    millis(left.get()),
                    node));
      }
      case REDIRECTS -> {
        Response<Long> fields = pipeline.hlen(key);
        Response<List<String>> own = pipeline.hmget(key, "subsegments", "merged");
        return () -> {
          trace.counted = own.get().get(0);
          trace.redirects =
              fields.get() - own.get().stream().filter(field -> field != null).count();
        };
      }
      case HAS_ROOT -> {
        return () -> trace.segment(parsed.id()).hasRoot = true;
      }
      case SPANS -> {
        Response<String> value = pipeline.get(key);
        return () -> trace.segment(parsed.id()).spans = value.get();
      }
      case BYTES -> {
        Response<String> value = pipeline.get(key);
        return () -> trace.segment(parsed.id()).bytes = value.get();
      }
      case LOCK -> {
        Response<String> value = pipeline.get(key);
        Response<Long> left = pipeline.pttl(key);
        return () -> {
          trace.segment(parsed.id()).lock = value.get();
          trace.segment(parsed.id()).lockLeft = millis(left.get());
        };
      }
      default -> throw new IllegalStateException("no reader for " + parsed);
    }
  }

  private void readSet(
      Jedis jedis, HostAndPort node, String key, SortedMap<String, BufferedTrace> traces) {
    BufferKey parsed = BufferKey.parse(key).orElseThrow();
    Segment segment = traceOf(parsed, traces).segment(parsed.id());
    Duration left = millis(jedis.pttl(key));
    if (parsed.kind() == BufferKey.Kind.MEMBERS) {
      segment.left = left;
      members(
          jedis,
          key,
          member -> {
            String name = new String(member, US_ASCII);
            if (name.startsWith("n")) {
              segment.formerNames.add(name.substring(1));
            } else {
              segment.subsegments.add(name);
            }
          });
    } else {
      members(
          jedis,
          key,
          member ->
              segment.merged.put(
                  new String(Arrays.copyOf(member, ID_DIGITS), US_ASCII),
                  new Payload(
                      member.length - ID_DIGITS,
                      PayloadHead.unpackedBytes(member, ID_DIGITS),
                      left,
                      node)));
    }
  }

  private static void members(Jedis jedis, String key, Consumer<byte[]> visit) {
    byte[] name = key.getBytes(US_ASCII);
    byte[] cursor = ScanParams.SCAN_POINTER_START_BINARY;
    do {
      ScanResult<byte[]> page = jedis.sscan(name, cursor, PAGE);
      page.getResult().forEach(visit);
      cursor = page.getCursorAsBytes();
    } while (!Arrays.equals(cursor, ScanParams.SCAN_POINTER_START_BINARY));
  }

  private static Duration millis(long left) {
    return left < 0 ? null : Duration.ofMillis(left);
  }
}

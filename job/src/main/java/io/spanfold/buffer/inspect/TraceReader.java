package io.spanfold.buffer.inspect;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static io.spanfold.buffer.redis.RedisKeys.ascii;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.buffer.compression.PayloadCompression;
import io.spanfold.buffer.inspect.BufferKey.Kind;
import io.spanfold.buffer.inspect.BufferedTrace.Payload;
import io.spanfold.buffer.layout.MergedLayout;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisNodes;
import io.spanfold.buffer.redis.RedisPipelines;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import redis.clients.jedis.CommandObject;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/**
 * Reads everything of a trace, key by key. Small and merged payloads are read whole, in pages; of
 * distributed ones only the header. For use by one thread.
 */
final class TraceReader {

  private static final String WHAT = "read a trace in Redis";

  /** Payloads per page. */
  private static final ScanParams PAYLOADS = new ScanParams().count(10);

  /** Fields of an index per page. */
  private static final ScanParams FIELDS = new ScanParams().count(1_000);

  private final RedisNodes nodes;
  private final RedisPipelines pipelines;
  private final SortedMap<String, BufferedTrace> traces = new TreeMap<>();
  private final List<DistributedPayload> distributed = new ArrayList<>();

  private record DistributedPayload(String trace, String id, Payload payload) {}

  TraceReader(RedisNodes nodes, RedisPipelines pipelines) {
    this.nodes = nodes;
    this.pipelines = pipelines;
  }

  /** Returns the start of a pattern of all keys of a trace, in all projects if it names none. */
  static String keys(String trace) {
    return RedisKeys.PREFIX + "*{" + (trace.contains(":") ? trace : "*:" + trace) + "[:}]";
  }

  /** Reads a page of keys. */
  void read(List<String> page) {
    Map<String, BufferKey> keys = new LinkedHashMap<>();
    page.forEach(name -> BufferKey.parse(name).ifPresent(key -> keys.put(name, key)));
    List<String> names = List.copyOf(keys.keySet());
    List<Long> ttls = send(names, REDIS::pttl);
    List<String> payloads =
        names.stream().filter(name -> keys.get(name).kind() == Kind.PAYLOAD).toList();
    Iterator<Long> lengths = send(payloads, REDIS::strlen).iterator();
    Iterator<byte[]> headers = send(payloads, TraceReader::header).iterator();
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      BufferKey key = keys.get(name);
      Duration ttl = ttls.get(i) < 0 ? null : Duration.ofMillis(ttls.get(i));
      switch (key.kind()) {
        case PAYLOAD -> {
          Payload payload = payload(name, lengths.next(), headers.next(), ttl);
          distributed.add(new DistributedPayload(key.trace(), key.id(), payload));
        }
        case LOCK -> trace(key).setLock(key.id(), send(name, REDIS.get(name)), ttl);
        case INDEX -> {
          trace(key).setTtl(ttl);
          readIndex(name, trace(key));
        }
        case SMALL -> readSmall(name, trace(key));
        case MERGED -> readMerged(name, key.id(), trace(key));
      }
    }
  }

  private static CommandObject<byte[]> header(String name) {
    return REDIS.getrange(ascii(name), 0, PayloadCompression.MAX_HEADER - 1);
  }

  private void readIndex(String name, BufferedTrace trace) {
    pages(
        name,
        cursor -> REDIS.hscan(ascii(name), cursor, FIELDS),
        field -> trace.addField(text(field.getKey()), text(field.getValue())));
  }

  private void readSmall(String name, BufferedTrace trace) {
    pages(
        name,
        cursor -> REDIS.hscan(ascii(name), cursor, PAYLOADS),
        field -> {
          byte[] stored = field.getValue();
          trace.addSmall(text(field.getKey()), payload(name, stored.length, stored, null));
        });
  }

  private void readMerged(String name, String segment, BufferedTrace trace) {
    pages(
        name,
        cursor -> REDIS.sscan(ascii(name), cursor, PAYLOADS),
        member -> {
          String subsegment = text(Arrays.copyOf(member, MergedLayout.ID_DIGITS));
          byte[] stored = Arrays.copyOfRange(member, MergedLayout.ID_DIGITS, member.length);
          trace.addMerged(segment, subsegment, payload(name, stored.length, stored, null));
        });
  }

  private Payload payload(String name, long bytes, byte[] start, Duration ttl) {
    return new Payload(
        bytes, PayloadCompression.unpackedLength(start), ttl, nodes.nodeOf(ascii(name)));
  }

  /** Returns what was read, by trace. */
  Collection<BufferedTrace> traces() {
    // Quarantine does not move distributed payloads: their trace is the one whose index has them.
    for (DistributedPayload each : distributed) {
      traces.values().stream()
          .filter(trace -> trace.trace().equals(each.trace()) && trace.contains(each.id()))
          .findFirst()
          .orElseGet(() -> trace(each.trace(), null))
          .addDistributed(each.id(), each.payload());
    }
    traces.values().forEach(BufferedTrace::resolve);
    return traces.values();
  }

  private BufferedTrace trace(BufferKey key) {
    return trace(key.trace(), key.round());
  }

  private BufferedTrace trace(String trace, String round) {
    return traces.computeIfAbsent(
        round == null ? trace : trace + ":" + round,
        any ->
            new BufferedTrace(
                trace, round, nodes.nodeOf(ascii(RedisKeys.ALL_INDEXES + "{" + trace + "}"))));
  }

  private <T> void pages(
      String name, Function<byte[], CommandObject<ScanResult<T>>> scan, Consumer<T> visitor) {
    byte[] cursor = ScanParams.SCAN_POINTER_START_BINARY;
    do {
      ScanResult<T> page = send(name, scan.apply(cursor));
      page.getResult().forEach(visitor);
      cursor = page.getCursorAsBytes();
    } while (!Arrays.equals(cursor, ScanParams.SCAN_POINTER_START_BINARY));
  }

  private <T> List<T> send(List<String> names, Function<String, CommandObject<T>> command) {
    return pipelines.send(
        WHAT,
        names.stream()
            .map(name -> RedisCommand.of(ascii(name), command.apply(name), name.length()))
            .toList());
  }

  private <T> T send(String name, CommandObject<T> command) {
    return pipelines.send(WHAT, RedisCommand.of(ascii(name), command, 0));
  }

  private static String text(byte[] bytes) {
    return new String(bytes, US_ASCII);
  }
}

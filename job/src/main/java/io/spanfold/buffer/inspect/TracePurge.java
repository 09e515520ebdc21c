package io.spanfold.buffer.inspect;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static io.spanfold.buffer.redis.RedisKeys.ascii;

import io.spanfold.buffer.index.TraceField;
import io.spanfold.buffer.layout.SmallPayloadKeys;
import io.spanfold.buffer.redis.KeyScan;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisNodes;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.RetryPolicy;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * Deletes all that there is of a trace: payloads, then records, so that it may be repeated. Only
 * while no job works on the buffer. For use by one thread, once.
 */
final class TracePurge {

  private static final String WHAT = "delete a trace in Redis";

  private final RedisNodes nodes;
  private final RedisPipelines pipelines;
  private final RetryPolicy retries;
  private final TraceReader reader;

  TracePurge(RedisNodes nodes, RedisPipelines pipelines, RetryPolicy retries, String trace) {
    this.nodes = nodes;
    this.pipelines = pipelines;
    this.retries = retries;
    this.reader = new TraceReader(nodes, pipelines, retries, trace);
  }

  /** Returns what was deleted. */
  Collection<BufferedTrace> run() {
    Collection<BufferedTrace> traces = reader.read();
    List<RedisCommand<Long>> payloads = new ArrayList<>();
    SmallPayloadKeys small = SmallPayloadKeys.find(nodes, retries);
    for (BufferedTrace trace : traces) {
      for (long id : trace.smallPayloads()) {
        byte[] field = ByteBuffer.allocate(Long.BYTES).putLong(id).array();
        small.of(trace.bucket()).forEach(key -> payloads.add(removal(ascii(key), field)));
      }
    }
    KeyScan scan = new KeyScan(nodes, retries, reader.ownKeys());
    for (List<String> page = scan.next(); page != null; page = scan.next()) {
      page.stream()
          .filter(reader::isOfTrace)
          .map(RedisKeys::ascii)
          .forEach(key -> payloads.add(RedisCommand.of(key, REDIS.unlink(key), key.length)));
    }
    pipelines.send(WHAT, payloads);
    traces.stream().filter(trace -> trace.bucket() != null).forEach(this::removeRecord);
    return traces;
  }

  private void removeRecord(BufferedTrace trace) {
    byte[] key =
        ascii(
            trace.round().isPresent()
                ? RedisKeys.quarantinedTraces(trace.bucket(), trace.round().getAsInt())
                : RedisKeys.traces(trace.bucket()));
    pipelines.send(WHAT, removal(key, TraceField.of(trace.trace())));
    long left = pipelines.send(WHAT, RedisCommand.of(key, REDIS.hlen(key), 0));
    byte[] sentinel =
        pipelines.send(WHAT, RedisCommand.of(key, REDIS.hget(key, TraceField.SENTINEL), 0));
    if (left == 1 && sentinel != null) {
      pipelines.send(WHAT, removal(key, TraceField.SENTINEL));
    }
  }

  private static RedisCommand<Long> removal(byte[] key, byte[] field) {
    return RedisCommand.of(key, REDIS.hdel(key, field), key.length);
  }
}

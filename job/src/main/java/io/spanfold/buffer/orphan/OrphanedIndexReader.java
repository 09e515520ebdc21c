package io.spanfold.buffer.orphan;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static io.spanfold.buffer.redis.RedisKeys.ascii;

import io.spanfold.buffer.index.TraceRecord;
import io.spanfold.buffer.redis.HashScan;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.StoreException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the indexes of quarantined traces: one field for most of them, and of a large one only
 * those fields that lead to payloads.
 */
final class OrphanedIndexReader {

  private static final Logger LOG = LoggerFactory.getLogger(OrphanedIndexReader.class);

  /** A pattern of the fields of a large trace that are read. */
  private static final byte[] FIELDS = ascii("[ms]*");

  /** Fields of a large trace scanned or read in one command. */
  private static final int PAGE = 1_000;

  /** Estimate of a field of a large trace. */
  private static final long FIELD_BYTES = 40;

  /** Estimate of a packed record. */
  private static final long RECORD_BYTES = 1_000;

  private final RedisPipelines pipelines;

  OrphanedIndexReader(RedisPipelines pipelines) {
    this.pipelines = pipelines;
  }

  /**
   * Returns the index of each trace; an empty one if there is no record of it that can be read.
   *
   * @throws StoreException if Redis does not answer within the time for retries
   */
  Map<OrphanedTrace, OrphanedIndex> read(List<OrphanedTrace> traces) {
    Map<OrphanedTrace, OrphanedIndex> indexes = new LinkedHashMap<>();
    Map<OrphanedTrace, OrphanedIndex> large = new LinkedHashMap<>();
    List<byte[]> records =
        pipelines.send(
            "read %d quarantined traces in Redis".formatted(traces.size()),
            traces.stream()
                .map(
                    trace ->
                        RedisCommand.of(
                            trace.recordsKey(),
                            REDIS.hget(trace.recordsKey(), trace.field()),
                            RECORD_BYTES))
                .toList());
    for (int i = 0; i < traces.size(); i++) {
      OrphanedTrace trace = traces.get(i);
      TraceRecord record = decode(trace, records.get(i));
      OrphanedIndex index = OrphanedIndex.of(record);
      indexes.put(trace, index);
      if (record.large()) {
        large.put(trace, index);
      }
    }
    readFields(large);
    while (readRedirects(large)) {
      // The redirects that were just read lead to further names.
    }
    return indexes;
  }

  private static TraceRecord decode(OrphanedTrace trace, byte[] record) {
    if (record != null) {
      try {
        return TraceRecord.decode(record);
      } catch (IllegalArgumentException e) {
        LOG.warn("The index of trace {} cannot be read: {}", trace.trace(), e.getMessage());
      }
    }
    return new TraceRecord(0, false, List.of());
  }

  private void readFields(Map<OrphanedTrace, OrphanedIndex> large) {
    List<OrphanedIndex> indexes = List.copyOf(large.values());
    new HashScan(
            pipelines,
            "read %d large quarantined traces in Redis".formatted(large.size()),
            FIELDS,
            PAGE,
            PAGE * FIELD_BYTES)
        .visit(
            large.keySet().stream().map(OrphanedTrace::largeKey).toList(),
            (i, name, value) -> indexes.get(i).field(name, value));
  }

  /** Returns whether there was anything to read. */
  private boolean readRedirects(Map<OrphanedTrace, OrphanedIndex> large) {
    List<Asked> asked = new ArrayList<>();
    large.forEach(
        (trace, index) -> {
          List<Long> names = index.unread();
          for (int from = 0; from < names.size(); from += PAGE) {
            asked.add(
                new Asked(trace, index, names.subList(from, Math.min(names.size(), from + PAGE))));
          }
        });
    List<List<byte[]>> answers =
        pipelines.send(
            "follow the redirects of %d traces".formatted(asked.size()),
            asked.stream().map(Asked::command).toList());
    IntStream.range(0, asked.size()).forEach(i -> asked.get(i).answered(answers.get(i)));
    return !asked.isEmpty();
  }

  private record Asked(OrphanedTrace trace, OrphanedIndex index, List<Long> names) {

    RedisCommand<List<byte[]>> command() {
      byte[][] fields =
          names.stream()
              .map(name -> ByteBuffer.allocate(Long.BYTES).putLong(name).array())
              .toArray(byte[][]::new);
      return RedisCommand.of(
          trace.largeKey(),
          REDIS.hmget(trace.largeKey(), fields),
          (long) fields.length * FIELD_BYTES);
    }

    void answered(List<byte[]> redirects) {
      for (int i = 0; i < names.size(); i++) {
        byte[] to = redirects.get(i);
        index.redirect(
            names.get(i),
            to == null || to.length != Long.BYTES ? null : ByteBuffer.wrap(to).getLong());
      }
    }
  }
}

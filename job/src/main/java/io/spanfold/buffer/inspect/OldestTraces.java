package io.spanfold.buffer.inspect;

import static io.spanfold.buffer.redis.RedisKeys.ascii;

import io.spanfold.buffer.index.SubsegmentRecord;
import io.spanfold.buffer.index.TraceField;
import io.spanfold.buffer.index.TraceRecord;
import io.spanfold.buffer.index.TraceRecord.SegmentRecord;
import io.spanfold.buffer.redis.BufferKey;
import io.spanfold.buffer.redis.BufferKey.Kind;
import io.spanfold.buffer.redis.HashScan;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.core.model.TraceKey;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;

/**
 * Gathers the traces of a buffer that were written longest ago, bucket by bucket. Reads all packed
 * records; holds as many traces as are wanted. For use by one thread.
 */
final class OldestTraces {

  private static final byte[] ALL_FIELDS = ascii("*");
  private static final int FIELDS = 1_000;
  private static final long PAGE_BYTES = 200_000;

  private static final Comparator<TraceSummary> ORDER =
      Comparator.comparing(TraceSummary::lastWrite)
          .thenComparing(each -> each.trace().toString())
          .thenComparing(each -> each.round().orElse(-1));

  private final RedisPipelines pipelines;
  private final int wanted;
  private final TreeSet<TraceSummary> oldest = new TreeSet<>(ORDER);

  OldestTraces(RedisPipelines pipelines, int wanted) {
    this.pipelines = pipelines;
    this.wanted = wanted;
  }

  /** Adds the traces of a bucket; other keys are ignored. */
  void add(BufferKey key) {
    if (key.kind() != Kind.TRACES) {
      return;
    }
    String name =
        key.round().isPresent()
            ? RedisKeys.quarantinedTraces(key.tag(), key.round().getAsInt())
            : RedisKeys.traces(key.tag());
    new HashScan(pipelines, "list traces in Redis", ALL_FIELDS, FIELDS, PAGE_BYTES)
        .visit(
            List.of(ascii(name)),
            (i, field, record) ->
                TraceField.trace(field).ifPresent(trace -> add(trace, key, record)));
  }

  private void add(TraceKey trace, BufferKey key, byte[] bytes) {
    TraceRecord record;
    try {
      record = TraceRecord.decode(bytes);
    } catch (IllegalArgumentException e) {
      // A form that this version does not know has no age.
      return;
    }
    int subsegments = 0;
    long spans = 0;
    long recordBytes = 0;
    for (SegmentRecord segment : record.segments()) {
      for (SubsegmentRecord subsegment : segment.subsegments()) {
        subsegments++;
        spans += subsegment.spans();
        recordBytes += subsegment.recordBytes();
      }
    }
    oldest.add(
        new TraceSummary(
            trace,
            key.round(),
            Instant.ofEpochSecond(record.seconds()),
            record.large(),
            record.segments().size(),
            subsegments,
            spans,
            recordBytes));
    if (oldest.size() > wanted) {
      oldest.pollLast();
    }
  }

  /** Returns them, the oldest first. */
  List<TraceSummary> inOrder() {
    return List.copyOf(oldest);
  }
}

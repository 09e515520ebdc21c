package io.spanfold.buffer;

import static io.spanfold.buffer.redis.RedisKeys.ascii;

import io.spanfold.buffer.index.BucketTags;
import io.spanfold.buffer.index.LargeRecord;
import io.spanfold.buffer.index.SubsegmentRecord;
import io.spanfold.buffer.index.TraceField;
import io.spanfold.buffer.index.TraceRecord;
import io.spanfold.buffer.index.TraceRecord.SegmentRecord;
import io.spanfold.buffer.layout.DistributedLayout;
import io.spanfold.buffer.layout.MergedLayout;
import io.spanfold.buffer.layout.SmallLayout;
import io.spanfold.buffer.redis.HashScan;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.SourcePositions;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds what given-up attempts have left in Redis, and has it cleaned up like flushed parts. Reads
 * the whole index of the buckets in question, in pages.
 */
final class GivenUpWrites {

  private static final Logger LOG = LoggerFactory.getLogger(GivenUpWrites.class);

  private static final String WHAT = "find what given-up attempts have left in Redis";

  /** Fields that a node examines in one call, and estimates of what it returns of them. */
  private static final int FIELDS = 500;

  private static final long RECORDS_BYTES = 200_000;
  private static final long SUBSEGMENTS_BYTES = 25_000;

  private static final byte[] ALL = ascii("*");

  /** The fields of a large trace that have subsegments. */
  private static final byte[] SUBSEGMENTS = ascii("m????????");

  /** Subsegments cleaned up at once. */
  private static final int AT_ONCE = 1_000;

  private final RedisPipelines pipelines;
  private final BucketTags tags;
  private final Predicate<TraceKey> own;
  private final Predicate<Generation> givenUp;
  private final Consumer<List<Receipt>> cleanUp;
  private final List<Receipt> found = new ArrayList<>();
  private long count;

  /**
   * @param own tells the traces to look at
   * @param givenUp tells which generations are left of given-up attempts
   * @param cleanUp cleans up after what is found
   */
  GivenUpWrites(
      RedisPipelines pipelines,
      BucketTags tags,
      Predicate<TraceKey> own,
      Predicate<Generation> givenUp,
      Consumer<List<Receipt>> cleanUp) {
    this.pipelines = pipelines;
    this.tags = tags;
    this.own = own;
    this.givenUp = givenUp;
    this.cleanUp = cleanUp;
  }

  /**
   * Removes subsegments from the index of {@code buckets}, with their payloads; returns how many.
   */
  long removeFrom(List<Integer> buckets) {
    Set<TraceKey> large = new LinkedHashSet<>();
    new HashScan(pipelines, WHAT, ALL, FIELDS, RECORDS_BYTES)
        .visit(
            buckets.stream().map(bucket -> ascii(RedisKeys.traces(tags.of(bucket)))).toList(),
            (i, name, value) ->
                TraceField.trace(name).filter(own).ifPresent(trace -> visit(trace, value, large)));
    List<TraceKey> traces = List.copyOf(large);
    new HashScan(pipelines, WHAT, SUBSEGMENTS, FIELDS, SUBSEGMENTS_BYTES)
        .visit(
            traces.stream()
                .map(trace -> ascii(RedisKeys.largeTrace(tags.of(trace), trace)))
                .toList(),
            (i, name, value) -> LargeRecord.visit(name, value, visitor(traces.get(i))));
    cleanUp();
    return count;
  }

  /** Records of large traces go to {@code large}. */
  private void visit(TraceKey trace, byte[] value, Set<TraceKey> large) {
    try {
      TraceRecord record = TraceRecord.decode(value);
      if (record.large()) {
        large.add(trace);
      }
      for (SegmentRecord segment : record.segments()) {
        segment.subsegments().forEach(subsegment -> visit(trace, subsegment));
      }
    } catch (IllegalArgumentException e) {
      LOG.warn("The index of trace {} cannot be read: {}", trace, e.getMessage());
    }
  }

  private LargeRecord.Visitor visitor(TraceKey trace) {
    return new LargeRecord.Visitor() {
      @Override
      public void subsegment(long segment, SubsegmentRecord subsegment) {
        visit(trace, subsegment);
      }
    };
  }

  private void visit(TraceKey trace, SubsegmentRecord subsegment) {
    if (givenUp.test(subsegment.generation())) {
      found.add(FlushedPart.discarded(new Discard(trace, stored(subsegment), 0)).receipt());
      count++;
      if (found.size() == AT_ONCE) {
        cleanUp();
      }
    }
  }

  private void cleanUp() {
    if (found.isEmpty()) {
      return;
    }
    cleanUp.accept(List.copyOf(found));
    found.clear();
  }

  /** Returns a subsegment as far as the index knows it, in each layout that may have it. */
  private static Subsegment stored(SubsegmentRecord record) {
    int layouts = MergedLayout.BIT | (record.isSmall() ? SmallLayout.BIT : DistributedLayout.BIT);
    Generation generation = record.generation();
    return new Subsegment(
        record.id(),
        record.id(),
        false,
        record.spans(),
        record.recordBytes(),
        0,
        layouts,
        0,
        SourcePositions.of(new int[0], new long[0], new int[0]),
        record.isSmall()
            ? new SmallPayload(
                record.payload(), generation.epoch(), generation.checkpoint(), record.offset())
            : null);
  }
}

package io.spanfold.job.serialization;

import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.SourcePositions;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanColumns;
import io.spanfold.core.model.StampPoints;
import io.spanfold.core.model.StampPoints.SegmentIdEdit;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;

/** Random values of the model, the ends of their ranges among them. */
final class RandomModel {

  private final Random random;

  RandomModel(long seed) {
    random = new Random(seed);
  }

  boolean flag() {
    return random.nextBoolean();
  }

  /** Any value of 64 bits. */
  long any() {
    return switch (random.nextInt(6)) {
      case 0 -> Long.MIN_VALUE;
      case 1 -> Long.MAX_VALUE;
      case 2 -> random.nextInt(300) - 150L;
      default -> random.nextLong();
    };
  }

  /** A number of 64 bits from 0. */
  long amount() {
    return any() & Long.MAX_VALUE;
  }

  /** A number of 32 bits from 0. */
  int count() {
    return random.nextInt(4) == 0 ? Integer.MAX_VALUE : random.nextInt(1 << random.nextInt(31));
  }

  int upTo(int bound) {
    return random.nextInt(bound + 1);
  }

  byte[] bytes() {
    byte[] bytes = new byte[random.nextInt(4) == 0 ? 0 : random.nextInt(400)];
    random.nextBytes(bytes);
    return bytes;
  }

  byte[] bytesOrNone() {
    return random.nextInt(4) == 0 ? null : bytes();
  }

  <E> E oneOf(E[] values) {
    return values[random.nextInt(values.length)];
  }

  <E> List<E> list(Supplier<E> element) {
    List<E> list = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      list.add(element.get());
    }
    return list;
  }

  TraceKey trace() {
    return new TraceKey(amount(), any(), any());
  }

  /** Null, or indexes of some of {@code spans}, ascending; maybe of none. */
  int[] indexes(int spans) {
    if (flag()) {
      return null;
    }
    return random.ints(upTo(5), 0, Math.max(1, spans)).sorted().distinct().toArray();
  }

  Subsegment subsegment() {
    return subsegment(count());
  }

  Subsegment subsegment(int spans) {
    SourcePositions positions =
        SourcePositions.of(
            new int[] {1, 1, 2}, new long[] {5, 900, count()}, new int[] {upTo(1), 0, upTo(1)});
    return new Subsegment(
        any(), any(), flag(), spans, amount(), count(), upTo(3), amount(), positions, small());
  }

  /** Null, or one of few payloads and generations, so that equal ones follow one another. */
  private SmallPayload small() {
    long id = upTo(1) == 0 ? any() : 7;
    return upTo(3) == 0 ? null : new SmallPayload(id, upTo(1), upTo(1), count());
  }

  FlushRequest request() {
    return flag() ? part() : new Discard(trace(), subsegment(), any());
  }

  private DuePart part() {
    return new DuePart(
        trace(),
        any(),
        count(),
        oneOf(FlushReason.values()),
        any(),
        flag(),
        list(
            () -> {
              Subsegment subsegment = subsegment();
              return new Slice(subsegment, indexes(subsegment.spanCount()), flag());
            }));
  }

  Span span() {
    StampPoints points =
        new StampPoints(count(), count(), count(), count(), oneOf(SegmentIdEdit.values()));
    return new Span(
        trace(), any(), any(), flag(), any(), amount(), count(), amount(), count(), points,
        bytes());
  }

  SpanColumns columns() {
    SpanColumns columns = new SpanColumns(upTo(3));
    for (int i = upTo(10); i > 0; i--) {
      long id = any();
      boolean root = flag();
      columns.add(id, root ? id : any(), root, any(), count(), count(), count());
    }
    return columns;
  }

  Receipt receipt() {
    FlushRequest request = request();
    if (request instanceof Discard discard) {
      return FlushedPart.discarded(discard).receipt();
    }
    return new Receipt(
        request,
        count(),
        list(() -> String.format("%016x%016x", random.nextLong(), random.nextLong())),
        random.longs(upTo(5)).toArray());
  }
}

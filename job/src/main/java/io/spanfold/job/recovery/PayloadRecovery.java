package io.spanfold.job.recovery;

import io.spanfold.core.format.RejectedRecordException;
import io.spanfold.core.format.SpanParser;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.SourcePosition;
import io.spanfold.core.model.SourceRecord;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.payload.SpanFrames;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Restores lost payloads from the source topic, by the positions that state keeps. One pass over
 * the topic serves all parts of a batch, and keeps only the spans that the parts take: memory is
 * bounded by the size of their payloads.
 *
 * <p>Not thread-safe; blocks its thread. It connects to Kafka when the first payload is lost, and
 * stays connected.
 */
public final class PayloadRecovery implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(PayloadRecovery.class);

  private final PayloadRecoverySettings settings;
  private final SpanReader spans;

  private OffsetReader reader;

  /** Reads the spans of a record. */
  @FunctionalInterface
  interface SpanReader {

    /**
     * Passes every span of {@code record} to {@code out}, with its position.
     *
     * @throws RejectedRecordException if the record cannot be read
     */
    void read(SourceRecord record, Consumer<Span> out) throws RejectedRecordException;
  }

  public PayloadRecovery(PayloadRecoverySettings settings) {
    // The size of an accepted record is not checked again.
    this(settings, one(new SpanParser(Integer.MAX_VALUE)));
  }

  PayloadRecovery(PayloadRecoverySettings settings, SpanReader spans) {
    this.settings = settings;
    this.spans = spans;
  }

  private static SpanReader one(SpanParser parser) {
    return (record, out) ->
        out.accept(parser.parse(record.value(), 0, record.partition(), record.offset()));
  }

  /**
   * Returns {@code parts} with the frames of lost slices, as far as Kafka still has their records.
   * Spans that are still missing are lost permanently: Kafka no longer has the record, or another
   * span is in its place.
   *
   * @return the parts in the same order; the same list if nothing was lost
   * @throws PayloadRecoveryException if Kafka cannot be read: nothing is known to be lost then
   */
  public List<LoadedPart> restore(List<LoadedPart> parts) throws InterruptedException {
    List<LostSlice> lost = new ArrayList<>();
    for (LoadedPart part : parts) {
      for (LoadedSlice slice : part.slices()) {
        if (slice.lostSpans() > 0) {
          lost.add(new LostSlice(part.due().trace(), slice));
        }
      }
    }
    if (lost.isEmpty()) {
      return parts;
    }
    read(lost);
    return restored(parts, lost.iterator());
  }

  /** Closes the connection to Kafka. */
  @Override
  public void close() {
    if (reader != null) {
      reader.close();
    }
  }

  private void read(List<LostSlice> lost) throws InterruptedException {
    NavigableMap<SourcePosition, List<Place>> places = new TreeMap<>();
    lost.forEach(slice -> slice.addPlaces(places));
    if (places.isEmpty()) {
      return;
    }
    if (reader == null) {
      reader = OffsetReader.open(settings);
    }
    reader.read(places.navigableKeySet(), record -> place(record, places));
  }

  private void place(SourceRecord record, Map<SourcePosition, List<Place>> places) {
    try {
      spans.read(
          record,
          span ->
              places
                  .getOrDefault(span.position(), List.of())
                  .forEach(place -> place.slice.put(place.index, span)));
    } catch (RejectedRecordException e) {
      LOG.warn(
          "The record at {}-{} offset {} was a span, and no longer is: {}",
          settings.topic(),
          record.partition(),
          record.offset(),
          e.getMessage());
    }
  }

  private List<LoadedPart> restored(List<LoadedPart> parts, Iterator<LostSlice> lost) {
    int payloads = 0;
    long before = 0;
    long after = 0;
    List<LoadedPart> restored = new ArrayList<>(parts.size());
    for (LoadedPart part : parts) {
      List<LoadedSlice> slices = new ArrayList<>(part.slices().size());
      for (LoadedSlice slice : part.slices()) {
        LoadedSlice now = slice.lostSpans() > 0 ? lost.next().restored() : slice;
        if (!now.lost() && slice.lost()) {
          payloads++;
        }
        before += slice.lostSpans();
        after += now.lostSpans();
        slices.add(now);
      }
      restored.add(new LoadedPart(part.due(), slices));
    }
    LOG.info(
        "Redis had lost {} spans; {} were read again from {}, in {} payloads.",
        before,
        before - after,
        settings.topic(),
        payloads);
    if (after > 0) {
      LOG.warn("{} spans are lost: Redis and {} no longer have them.", after, settings.topic());
    }
    return restored;
  }

  /** Which span of a lost slice is restored from a position. */
  private record Place(LostSlice slice, int index) {}

  /** A lost slice, and the spans found of it. */
  private static final class LostSlice {
    private final TraceKey trace;
    private final LoadedSlice loaded;
    private Span[] spans;

    LostSlice(TraceKey trace, LoadedSlice loaded) {
      this.trace = trace;
      this.loaded = loaded;
      this.spans = new Span[loaded.slice().subsegment().spanCount()];
    }

    void addPlaces(Map<SourcePosition, List<Place>> places) {
      Slice slice = loaded.slice();
      List<SourcePosition> positions = slice.subsegment().positions().all();
      for (int index = 0; index < positions.size(); index++) {
        SourcePosition position = positions.get(index);
        if (slice.takes(index) && position.partition() != SourcePosition.NOWHERE) {
          places.computeIfAbsent(position, p -> new ArrayList<>(1)).add(new Place(this, index));
        }
      }
    }

    void put(int index, Span span) {
      if (span.trace().equals(trace)) {
        spans[index] = span;
      } else {
        LOG.warn(
            "The record at partition {} offset {} is no longer of trace {} but of {}.",
            span.partition(),
            span.offset(),
            trace,
            span.trace());
      }
    }

    /** Releases the records, so it can be called once. */
    LoadedSlice restored() {
      List<Span> found = Arrays.stream(spans).filter(Objects::nonNull).toList();
      int[] indexes = IntStream.range(0, spans.length).filter(i -> spans[i] != null).toArray();
      spans = null;
      return found.isEmpty()
          ? loaded
          : new LoadedSlice(loaded.slice(), SpanFrames.encode(found), indexes);
    }
  }
}

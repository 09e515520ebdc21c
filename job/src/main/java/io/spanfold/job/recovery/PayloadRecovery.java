package io.spanfold.job.recovery;

import io.spanfold.core.format.RejectedRecordException;
import io.spanfold.core.format.SpanParser;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.SourcePositions;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.payload.SpanFrames;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes lost payloads anew from the source topic, by the positions that state keeps. All that a
 * batch of parts has lost is read in one go over the topic, and only the spans that the parts take.
 *
 * <p>In memory are the records of the spans taken: no more than the payloads would have been.
 *
 * <p>For use by one thread at a time, which it blocks. It connects to Kafka when something is lost
 * for the first time, and stays connected.
 */
public final class PayloadRecovery implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(PayloadRecovery.class);

  private final PayloadRecoverySettings settings;

  /** A record that was accepted once is not judged by its length again. */
  private final SpanParser parser = new SpanParser(Integer.MAX_VALUE);

  private OffsetReader reader;

  /** Makes one that reads the topic of {@code settings}. */
  public PayloadRecovery(PayloadRecoverySettings settings) {
    this.settings = settings;
  }

  /**
   * Returns {@code parts} with the frames of lost slices as far as Kafka still has their records.
   * What is still lost then is gone for good: Kafka no longer has the record, or what stands in its
   * place is no span of the trace.
   *
   * @return the parts in the same order; the same list where nothing was lost
   * @throws PayloadRecoveryException where Kafka could not be asked: nothing is known to be lost
   *     then
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

  /** Closes the connection. */
  @Override
  public void close() {
    if (reader != null) {
      reader.close();
    }
  }

  private void read(List<LostSlice> lost) throws InterruptedException {
    SortedMap<Integer, SortedMap<Long, List<Place>>> places = new TreeMap<>();
    lost.forEach(slice -> slice.addPlaces(places));
    SortedMap<Integer, long[]> wanted = new TreeMap<>();
    places.forEach(
        (partition, offsets) ->
            wanted.put(partition, offsets.keySet().stream().mapToLong(Long::longValue).toArray()));
    if (wanted.isEmpty()) {
      return;
    }
    if (reader == null) {
      reader = OffsetReader.open(settings);
    }
    reader.read(
        wanted,
        record ->
            place(
                places.get(record.partition()).get(record.offset()),
                record.partition(),
                record.offset(),
                record.value()));
  }

  private void place(List<Place> places, int partition, long offset, byte[] value) {
    Span span;
    try {
      span = parser.parse(value, 0, partition, offset);
    } catch (RejectedRecordException e) {
      LOG.warn(
          "The record at {}-{} offset {} was a span, and no longer is: {}",
          settings.topic(),
          partition,
          offset,
          e.getMessage());
      return;
    }
    for (Place place : places) {
      place.slice.put(place.index, span);
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

  /** Where a record's span goes. */
  private record Place(LostSlice slice, int index) {}

  /** A lost slice, and what was found of it. */
  private static final class LostSlice {
    private final TraceKey trace;
    private final LoadedSlice loaded;
    private Span[] spans;

    LostSlice(TraceKey trace, LoadedSlice loaded) {
      this.trace = trace;
      this.loaded = loaded;
      this.spans = new Span[loaded.slice().subsegment().spanCount()];
    }

    void addPlaces(Map<Integer, SortedMap<Long, List<Place>>> places) {
      Slice slice = loaded.slice();
      slice
          .subsegment()
          .positions()
          .forEach(
              (index, partition, offset) -> {
                if (slice.takes(index) && partition != SourcePositions.NOWHERE) {
                  places
                      .computeIfAbsent(partition, p -> new TreeMap<>())
                      .computeIfAbsent(offset, o -> new ArrayList<>(1))
                      .add(new Place(this, index));
                }
              });
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

    /** To be called once: it lets the records go. */
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

package io.spanfold.core.segment;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.payload.BufferedSpan;
import io.spanfold.core.payload.SpanFrames;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Builds the output of a loaded part: messages, outcomes of lost spans, and the receipt. Immutable.
 */
public final class PartBuilder {

  /** By unsigned id; by content too, so that the order is total even if an id occurs twice. */
  private static final Comparator<BufferedSpan> ORDER =
      ((Comparator<BufferedSpan>) (a, b) -> Long.compareUnsigned(a.spanId(), b.spanId()))
          .thenComparing(PartBuilder::compareRecords);

  private final int chunkBytes;
  private final SegmentChunker chunker;
  private final Clock wallClock;

  /**
   * @param chunkBytes the largest length of a message's value
   * @param wallClock for the time of outcomes
   */
  public PartBuilder(int chunkBytes, Clock wallClock) {
    this.chunkBytes = chunkBytes;
    this.chunker = new SegmentChunker(chunkBytes);
    this.wallClock = wallClock;
  }

  /**
   * Builds a part.
   *
   * @throws IllegalArgumentException if a payload does not hold the spans that its slice names, or
   *     a span does not fit alone because the bound was lowered after it was accepted
   */
  public FlushedPart build(LoadedPart part) {
    List<BufferedSpan> spans = spans(part);
    List<SegmentMessage> messages = chunker.messages(part.due(), spans);
    Receipt receipt =
        new Receipt(
            part.due(),
            chunkBytes,
            messages.stream().map(SegmentMessage::flushId).toList(),
            spans.stream().mapToLong(BufferedSpan::spanId).toArray());
    return new FlushedPart(messages, outcomes(part), receipt);
  }

  /** Returns the spans that {@code part} takes of its payloads, in order, without lost ones. */
  static List<BufferedSpan> spans(LoadedPart part) {
    List<BufferedSpan> spans = new ArrayList<>(part.due().spanCount());
    for (LoadedSlice slice : part.slices()) {
      if (!slice.lost()) {
        select(slice, spans);
      }
    }
    spans.sort(ORDER);
    return spans;
  }

  private static void select(LoadedSlice loaded, List<BufferedSpan> spans) {
    Slice slice = loaded.slice();
    int before = spans.size();
    SpanFrames.forEach(
        loaded.frames(),
        (frame, span) -> {
          if (slice.takes(loaded.indexOf(frame))) {
            spans.add(span);
          }
        });
    int found = spans.size() - before;
    int expected = slice.spanCount() - loaded.lostSpans();
    if (found != expected) {
      throw new IllegalArgumentException(
          "the payload of subsegment %s holds %d of the %d spans asked for"
              .formatted(Hex.id(slice.subsegment().id()), found, expected));
    }
  }

  private static int compareRecords(BufferedSpan a, BufferedSpan b) {
    return Arrays.compareUnsigned(
        a.buffer(),
        a.start(),
        a.start() + a.length(),
        b.buffer(),
        b.start(),
        b.start() + b.length());
  }

  private List<Outcome> outcomes(LoadedPart part) {
    Map<Long, Long> lostByOrganization = new TreeMap<>();
    for (LoadedSlice slice : part.slices()) {
      if (slice.lostSpans() > 0) {
        lostByOrganization.merge(
            slice.slice().subsegment().organizationId(), (long) slice.lostSpans(), Long::sum);
      }
    }
    List<Outcome> outcomes = new ArrayList<>();
    long project = part.due().trace().projectId();
    lostByOrganization.forEach(
        (organization, spans) ->
            outcomes.add(
                new Outcome(
                    wallClock.millis(),
                    organization,
                    project,
                    Outcome.Reason.PAYLOAD_LOST,
                    spans)));
    return outcomes;
  }
}

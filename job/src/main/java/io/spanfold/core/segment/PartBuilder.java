package io.spanfold.core.segment;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.DuePart;
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
 * Builds the output of a loaded part: messages, the receipt, and outcomes of spans that are lost or
 * no longer fit into a message. Immutable.
 */
public final class PartBuilder {

  /** By unsigned id; by content too, so that the order is total even if an id occurs twice. */
  private static final Comparator<BufferedSpan> ORDER =
      (a, b) -> {
        int byId = Long.compareUnsigned(a.spanId(), b.spanId());
        return byId != 0 ? byId : compareRecords(a, b);
      };

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
   * @throws IllegalArgumentException if a payload does not hold the spans that its slice names
   */
  public FlushedPart build(LoadedPart part) {
    DuePart due = part.due();
    SpanStamper stamper = new SpanStamper(due.segmentId());
    List<BufferedSpan> spans = new ArrayList<>(due.spanCount());
    Map<Long, Long> lost = new TreeMap<>();
    Map<Long, Long> tooLarge = new TreeMap<>();
    for (LoadedSlice slice : part.slices()) {
      long organization = slice.slice().subsegment().organizationId();
      count(lost, organization, slice.lostSpans());
      if (!slice.lost()) {
        count(tooLarge, organization, addFitting(slice, stamper, spans));
      }
    }
    spans.sort(ORDER);
    List<SegmentMessage> messages = chunker.messages(due, spans, tooLarge.isEmpty(), stamper);
    Receipt receipt = new Receipt(due, chunkBytes, flushIds(messages), spanIds(spans));
    List<Outcome> outcomes = new ArrayList<>();
    addOutcomes(due, Outcome.Reason.PAYLOAD_LOST, lost, outcomes);
    addOutcomes(due, Outcome.Reason.TOO_LARGE, tooLarge, outcomes);
    return new FlushedPart(messages, outcomes, receipt);
  }

  private static List<String> flushIds(List<SegmentMessage> messages) {
    List<String> ids = new ArrayList<>(messages.size());
    for (SegmentMessage message : messages) {
      ids.add(message.flushId());
    }
    return ids;
  }

  private static long[] spanIds(List<BufferedSpan> spans) {
    long[] ids = new long[spans.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = spans.get(i).spanId();
    }
    return ids;
  }

  private static void count(Map<Long, Long> byOrganization, long organization, int spans) {
    if (spans > 0) {
      byOrganization.merge(organization, (long) spans, Long::sum);
    }
  }

  /** Adds the spans of a slice that fit into a message; returns how many do not. */
  private int addFitting(LoadedSlice slice, SpanStamper stamper, List<BufferedSpan> spans) {
    int before = spans.size();
    select(slice, spans);
    List<BufferedSpan> selected = spans.subList(before, spans.size());
    int found = selected.size();
    selected.removeIf(span -> !chunker.fits(span, stamper));
    return found - selected.size();
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

  private void addOutcomes(
      DuePart part,
      Outcome.Reason reason,
      Map<Long, Long> spansByOrganization,
      List<Outcome> outcomes) {
    spansByOrganization.forEach(
        (organization, spans) ->
            outcomes.add(
                new Outcome(
                    wallClock.millis(), organization, part.trace().projectId(), reason, spans)));
  }
}

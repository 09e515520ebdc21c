package io.spanfold.core.segment;

import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.payload.BufferedSpan;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Makes a loaded part what the sink writes: messages, outcomes for what is lost, and the receipt.
 * Immutable.
 */
public final class PartBuilder {

  private final int chunkBytes;
  private final SegmentChunker chunker;
  private final Clock wall;

  /**
   * Makes a builder.
   *
   * @param chunkBytes the largest length of a message's value
   * @param wall tells the time of outcomes
   */
  public PartBuilder(int chunkBytes, Clock wall) {
    this.chunkBytes = chunkBytes;
    this.chunker = new SegmentChunker(chunkBytes);
    this.wall = wall;
  }

  /**
   * Builds a part.
   *
   * @throws IllegalArgumentException as {@link SegmentChunker#messages} does
   */
  public FlushedPart build(LoadedPart part) {
    DuePart candidate = part.candidate();
    List<BufferedSpan> spans = PartSpans.sorted(part);
    List<SegmentMessage> messages = chunker.messages(candidate, spans);
    Receipt receipt =
        new Receipt(
            candidate,
            chunkBytes,
            messages.stream().map(SegmentMessage::flushId).toList(),
            spans.stream().mapToLong(BufferedSpan::spanId).toArray());
    return new FlushedPart(messages, outcomes(part), receipt);
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
    long project = part.candidate().trace().projectId();
    lostByOrganization.forEach(
        (organization, spans) ->
            outcomes.add(
                new Outcome(
                    wall.millis(), organization, project, Outcome.Reason.PAYLOAD_LOST, spans)));
    return outcomes;
  }
}

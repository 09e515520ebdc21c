package io.spanfold.core.segment;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.time.ZoneOffset.UTC;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.SourcePositions;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.payload.SpanFrames;
import io.spanfold.testing.Spans;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class PartBuilderTest {

  private static final TraceKey TRACE = new TraceKey(42, 1, 2);
  private static final long NOW = 1_700_000_000_000L;

  private final PartBuilder builder =
      new PartBuilder(100_000, Clock.fixed(Instant.ofEpochMilli(NOW), UTC));

  @Test
  void theReceiptNamesWhatTheMessagesWereMadeFrom() {
    LoadedSlice high = loaded(1, List.of(span(-1), span(3)), null, true);
    LoadedSlice low = loaded(2, List.of(span(2), span(9)), new int[] {0}, false);

    FlushedPart part = builder.build(part(high, low));

    assertThat(part.outcomes()).isEmpty();
    assertThat(part.messages()).hasSize(1);
    Receipt receipt = part.receipt();
    assertThat(receipt.trace()).isEqualTo(TRACE);
    assertThat(receipt.segmentId()).isEqualTo(0xABC);
    assertThat(receipt.partNumber()).isEqualTo(6);
    assertThat(receipt.reason()).isEqualTo(FlushReason.MAX_AGE);
    assertThat(receipt.flushIds())
        .isEqualTo(part.messages().stream().map(SegmentMessage::flushId).toList());
    assertThat(receipt.spanIds()).as("by unsigned id").containsExactly(2, 3, -1);
    assertThat(receipt.subsegments()).containsExactly(high.slice().subsegment());
  }

  @Test
  void theReceiptNamesEveryMessage() {
    PartBuilder small = new PartBuilder(400, Clock.systemUTC());
    List<Span> spans = List.of(span(1), span(2), span(3), span(4), span(5), span(6));

    FlushedPart part = small.build(part(loaded(1, spans, null, true)));

    assertThat(part.messages()).hasSizeGreaterThan(1);
    assertThat(part.receipt().flushIds())
        .doesNotHaveDuplicates()
        .isEqualTo(part.messages().stream().map(SegmentMessage::flushId).toList());
  }

  @Test
  void lostSpansAreOneOutcomePerOrganization() {
    LoadedSlice there = loaded(1, List.of(span(5)), null, true);

    FlushedPart part =
        builder.build(
            part(
                lost(2, 30, 7, null, true),
                there,
                lost(3, 30, 2, null, false),
                lost(4, 20, 9, new int[] {0, 4, 8}, true)));

    assertThat(part.outcomes())
        .containsExactly(
            new Outcome(NOW, 20, 42, Outcome.Reason.PAYLOAD_LOST, 3),
            new Outcome(NOW, 30, 42, Outcome.Reason.PAYLOAD_LOST, 9));
    assertThat(part.messages()).hasSize(1);
    assertThat(part.receipt().spanIds()).containsExactly(5);
    assertThat(part.receipt().subsegments())
        .extracting(Subsegment::id, Subsegment::organizationId)
        .as("lost ones are cleaned up too")
        .containsExactly(tuple(2L, 30L), tuple(1L, 1L), tuple(4L, 20L));
  }

  @Test
  void aPartThatIsLostEntirelyHasNoMessage() {
    FlushedPart part = builder.build(part(lost(2, 30, 7, null, true)));

    assertThat(part.messages()).isEmpty();
    assertThat(part.receipt().flushIds()).isEmpty();
    assertThat(part.outcomes()).extracting(Outcome::quantity).containsExactly(7L);
    assertThat(part.receipt().subsegments()).hasSize(1);
  }

  @Test
  void recoveredSpansAreEmittedAndTheRestIsAnOutcome() {
    // Of spans 0 to 5 of the subsegment, 1, 2 and 4 were found again.
    byte[] found = SpanFrames.encode(List.of(span(11), span(12), span(14)));
    LoadedSlice whole =
        new LoadedSlice(new Slice(subsegment(2, 30, 6), null, true), found, new int[] {1, 2, 4});
    LoadedSlice some =
        new LoadedSlice(
            new Slice(subsegment(3, 20, 6), new int[] {0, 2, 3, 4}, true),
            SpanFrames.encode(List.of(span(21), span(22), span(24))),
            new int[] {1, 2, 4});

    FlushedPart part = builder.build(part(whole, some));

    assertThat(part.receipt().spanIds()).containsExactly(11, 12, 14, 22, 24);
    assertThat(part.outcomes())
        .containsExactly(
            new Outcome(NOW, 20, 42, Outcome.Reason.PAYLOAD_LOST, 2),
            new Outcome(NOW, 30, 42, Outcome.Reason.PAYLOAD_LOST, 3));
    assertThat(part.receipt().subsegments()).extracting(Subsegment::id).containsExactly(2L, 3L);
  }

  @Test
  void spansThatNoLongerFitAreOneOutcomePerOrganizationAndTheRestIsEmitted() {
    LoadedSlice some = loaded(1, 30, List.of(span(5), padded(7, 1_000), padded(8, 2_000)));
    LoadedSlice other = loaded(2, 20, List.of(padded(9, 900), span(6)));

    FlushedPart whole = new PartBuilder(100_000, Clock.systemUTC()).build(part(some, other));
    FlushedPart cut =
        new PartBuilder(900, Clock.fixed(Instant.ofEpochMilli(NOW), UTC)).build(part(some, other));

    assertThat(whole.outcomes()).isEmpty();
    assertThat(whole.receipt().spanIds()).containsExactly(5, 6, 7, 8, 9);
    assertThat(cut.outcomes())
        .containsExactly(
            new Outcome(NOW, 20, 42, Outcome.Reason.TOO_LARGE, 1),
            new Outcome(NOW, 30, 42, Outcome.Reason.TOO_LARGE, 2));
    assertThat(cut.receipt().spanIds()).containsExactly(5, 6);
    assertThat(cut.receipt().subsegments()).extracting(Subsegment::id).containsExactly(1L, 2L);
    assertThat(cut.messages())
        .singleElement()
        .satisfies(
            message ->
                assertThat(new String(message.value(), UTF_8))
                    .as("the segment does not fit into one message")
                    .contains("\"skip_enrichment\":true"));
  }

  @Test
  void aPartOfWhichNoSpanFitsHasNoMessage() {
    FlushedPart part =
        new PartBuilder(900, Clock.systemUTC())
            .build(part(loaded(1, 30, List.of(padded(7, 1_000)))));

    assertThat(part.messages()).isEmpty();
    assertThat(part.outcomes()).extracting(Outcome::quantity).containsExactly(1L);
    assertThat(part.receipt().subsegments()).hasSize(1);
  }

  @Test
  void aPayloadWithFewerSpansThanExpectedIsRefused() {
    LoadedSlice broken =
        new LoadedSlice(
            new Slice(subsegment(2, 30, 3), null, true), SpanFrames.encode(List.of(span(1))));

    assertThatThrownBy(() -> builder.build(part(broken)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("holds 1 of the 3 spans");
  }

  @Test
  void aDiscardHasNoRecordsButAReceiptThatNamesItsSubsegment() {
    Subsegment duplicates = subsegment(2, 30, 7);

    FlushedPart flushed = FlushedPart.discarded(new Discard(TRACE, duplicates, NOW));

    assertThat(flushed.messages()).isEmpty();
    assertThat(flushed.outcomes()).isEmpty();
    assertThat(flushed.receipt().trace()).isEqualTo(TRACE);
    assertThat(flushed.receipt().segmentId()).isEqualTo(duplicates.parentId());
    assertThat(flushed.receipt().spanIds()).isEmpty();
    assertThat(flushed.receipt().subsegments()).containsExactly(duplicates);
  }

  private static Span span(long id) {
    return Spans.child(TRACE, id, 1, 0, id & 0xFF);
  }

  private static Span padded(long id, int bytes) {
    Span span = span(id);
    String record = "{\"span_id\":\"%s\",\"x\":\"%s\"}".formatted(Hex.id(id), "y".repeat(bytes));
    return new Span(
        TRACE,
        id,
        span.parentId(),
        false,
        0,
        1,
        0,
        0,
        0,
        span.stampPoints(),
        record.getBytes(UTF_8));
  }

  private static LoadedSlice loaded(long id, List<Span> stored, int[] indexes, boolean last) {
    Slice slice = new Slice(subsegment(id, 1, stored.size()), indexes, last);
    return new LoadedSlice(slice, SpanFrames.encode(stored));
  }

  private static LoadedSlice loaded(long id, long organization, List<Span> stored) {
    Slice slice = new Slice(subsegment(id, organization, stored.size()), null, true);
    return new LoadedSlice(slice, SpanFrames.encode(stored));
  }

  private static LoadedSlice lost(
      long id, long organization, int spans, int[] indexes, boolean last) {
    return new LoadedSlice(new Slice(subsegment(id, organization, spans), indexes, last), null);
  }

  private static Subsegment subsegment(long id, long organization, int spans) {
    SourcePositions none = Spans.positions();
    return new Subsegment(id, 1, false, spans, 10, 10, 1, organization, none);
  }

  private static LoadedPart part(LoadedSlice... slices) {
    List<LoadedSlice> all = List.of(slices);
    List<Slice> asked = all.stream().map(LoadedSlice::slice).toList();
    return new LoadedPart(new DuePart(TRACE, 0xABC, 6, FlushReason.MAX_AGE, 0, false, asked), all);
  }
}

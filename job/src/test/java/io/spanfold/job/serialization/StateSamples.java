package io.spanfold.job.serialization;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.core.fold.EarlySpans;
import io.spanfold.core.fold.Node;
import io.spanfold.core.fold.ReorderState;
import io.spanfold.core.fold.SegmentState;
import io.spanfold.core.fold.SegmentState.PartState;
import io.spanfold.core.fold.SegmentState.SliceList;
import io.spanfold.core.fold.SliceState;
import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.SourcePosition;
import io.spanfold.core.model.SourcePositions;
import io.spanfold.core.model.SourceRecord;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.SpanColumns;
import io.spanfold.core.model.StampPoints;
import io.spanfold.core.model.StampPoints.SegmentIdEdit;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.payload.SpanFrames;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A value of each {@link StateType}, with every field different from its default and from the next
 * field, so that swapped fields are noticed. A new field gets a value here.
 */
final class StateSamples {

  private static final TraceKey TRACE = new TraceKey(42, 0x0123456789ABCDEFL, 0xFEDCBA9876543210L);
  private static final String ID = "00112233445566778899aabbccddeeff";
  private static final DeadLetter.Header HEADER = new DeadLetter.Header("h", bytes("v"));
  private static final Span SPAN =
      new Span(
          TRACE,
          0xDD01L,
          0xDD02L,
          true,
          1_700_000_000_789L,
          77,
          3,
          400,
          5,
          new StampPoints(11, 12, 13, 14, SegmentIdEdit.ADD_FIRST_MEMBER),
          bytes("{}"));
  private static final Subsegment SUBSEGMENT =
      new Subsegment(
          0xAA01L,
          0xAA02L,
          true,
          4,
          4_000,
          900,
          2,
          77,
          SourcePositions.of(
              new int[] {0, 0, 1, 1}, new long[] {10, 300, 7, 7}, new int[] {0, 0, 1, 3}),
          new SmallPayload(0xAA03L, 1_700_000_000_333L, 17, 4_321));
  private static final DuePart PART =
      new DuePart(
          TRACE,
          0xBB01L,
          3,
          FlushReason.FULL,
          1_700_000_000_123L,
          true,
          List.of(
              new Slice(SUBSEGMENT, new int[] {0, 2}, false), new Slice(SUBSEGMENT, null, true)));
  private static final Receipt RECEIPT =
      new Receipt(PART, 1_000_000, List.of(ID), new long[] {0xCC01L, 0xCC02L});
  private static final Outcome OUTCOME =
      new Outcome(1_700_000_000_456L, 77, 42, Outcome.Reason.DROPPED, 5);

  private StateSamples() {}

  static Map<StateType<?>, Object> all() {
    Map<StateType<?>, Object> samples = new LinkedHashMap<>();
    add(samples, StateType.TRACE_KEY, TRACE);
    add(
        samples,
        StateType.SOURCE_RECORD,
        new SourceRecord("spans", 3, 400, bytes("key"), bytes("value"), List.of(HEADER)));
    add(samples, StateType.SPAN, SPAN);
    add(
        samples,
        StateType.SPAN_BATCH,
        new SpanBatch(
            List.of(
                new TraceSpans(
                    TRACE,
                    columns(),
                    List.of(new UnstoredSubsegment(SUBSEGMENT, 0, 31, new long[] {1, 2, 3, 4})),
                    SpanFrames.encode(List.of(SPAN)))),
            new Generation(1_700_000_000_333L, 17)));
    add(samples, StateType.STORED_TRACE, new StoredTrace(TRACE, columns(), List.of(SUBSEGMENT)));
    add(samples, StateType.FLUSH_REQUEST, PART);
    add(
        samples,
        StateType.FLUSHED_PART,
        new FlushedPart(
            List.of(new SegmentMessage(ID, bytes("message"), 1, 2)), List.of(OUTCOME), RECEIPT));
    add(
        samples,
        StateType.RECEIPT,
        FlushedPart.discarded(new Discard(TRACE, SUBSEGMENT, 1_700_000_000_222L)).receipt());
    DeadLetter letter =
        new DeadLetter(
            null,
            bytes("value"),
            List.of(HEADER),
            "reason",
            "spans",
            new SourcePosition(3, 400, 5),
            "error");
    add(samples, StateType.REJECT, letter);
    add(samples, StateType.WHOLE_TRACE, packedTrace());
    add(samples, StateType.NODE, new Node(0xEE01L, 0xEE02L, false, true));
    add(samples, StateType.SEGMENT, segment());
    add(samples, StateType.SLICE, new SliceState(SUBSEGMENT, new int[] {1, 3}, 0xEE03L, false));
    add(samples, StateType.EARLY_SPANS, new EarlySpans(SUBSEGMENT, columns()));
    add(
        samples,
        StateType.REORDER,
        new ReorderState(1_700_000_000_999L, 1_700_000_001_111L, List.of(1, 4)));
    return samples;
  }

  private static <T> void add(Map<StateType<?>, Object> samples, StateType<T> type, T sample) {
    samples.put(type, sample);
  }

  private static SpanColumns columns() {
    SpanColumns columns = new SpanColumns(2);
    columns.add(0xFF01L, 0xFF02L, false, 1_700_000_000_111L, 1_234, 1, 2);
    columns.add(0xFF03L, 0xFF03L, true, 1_700_000_000_100L, 567, 3, 0);
    return columns;
  }

  private static SegmentState segment() {
    return new SegmentState(
        0xAB01L,
        true,
        6,
        0xAB02L,
        2,
        true,
        1_700_000_030_000L,
        1_700_000_010_000L,
        List.of(new PartState(1, 2, 3, new SliceList(0xAB03L, 0xAB04L))),
        new PartState(6, 7, 8, null));
  }

  private static PackedTrace packedTrace() {
    PackedTrace trace = new PackedTrace();
    trace.putNode(0xAC01L, new Node(0xAC01L, 0, true, true));
    trace.putNode(0xAC02L, new Node(0xAC01L, 0, true, false));
    trace.putNode(0xAC01L, new Node(0xAC01L, 0xAC02L, false, true));
    trace.putSegment(0xAC01L, segment());
    trace.putSlice(0xAC03L, new SliceState(SUBSEGMENT, null, 0, true));
    trace.putReferenceCount(0xAC04L, 2);
    trace.putEarlySpans(new EarlySpans(SUBSEGMENT, columns()));
    trace.putReorderState(new ReorderState(1_700_000_000_999L, 1_700_000_001_111L, List.of(1)));
    return trace;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }
}

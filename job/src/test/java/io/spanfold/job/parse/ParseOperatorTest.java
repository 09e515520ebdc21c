package io.spanfold.job.parse;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.format.RejectReason;
import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.SourcePosition;
import io.spanfold.core.model.SourceRecord;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TalliedOutcome;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.config.DropRules;
import io.spanfold.testing.SpanRecords;
import io.spanfold.testing.Spans;
import java.util.List;
import java.util.Set;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ParseOperatorTest {

  private static final TraceKey TRACE = new TraceKey(42, 1, 2);
  private static final TraceKey OF_OTHERS = new TraceKey(8, 1, 2);
  private static final int MAX_RECORD_BYTES = 1_000;

  private OneInputStreamOperatorTestHarness<SourceRecord, Span> harness;

  @BeforeEach
  void open() throws Exception {
    harness =
        new OneInputStreamOperatorTestHarness<>(
            new ParseOperator(
                MAX_RECORD_BYTES, new DropRules(Set.of(9L), Set.of(7L), Set.of(OF_OTHERS))));
    harness.open();
  }

  @AfterEach
  void close() throws Exception {
    harness.close();
  }

  @Test
  void emitsGoodRecordsWithTimeAndPosition() throws Exception {
    byte[] value = SpanRecords.json(Spans.child(TRACE, 7, 5, 3_000, 0)).getBytes(UTF_8);

    read(new SourceRecord("spans", 3, 99, null, value, List.of()), 123_456);

    assertThat(harness.extractOutputValues())
        .singleElement()
        .satisfies(
            span -> {
              assertThat(span.trace()).isEqualTo(TRACE);
              assertThat(span.spanId()).isEqualTo(7);
              assertThat(span.parentId()).isEqualTo(5);
              assertThat(span.root()).isFalse();
              assertThat(span.timestamp()).isEqualTo(123_456);
              assertThat(span.partition()).isEqualTo(3);
              assertThat(span.offset()).isEqualTo(99);
              assertThat(span.record()).isEqualTo(value);
            });
    assertThat(harness.getSideOutput(ParseOperator.REJECTED)).isNull();
  }

  @Test
  void rejectsBadRecordsUnchangedWithReasonAndPosition() throws Exception {
    byte[] key = {1, 2};
    byte[] value = "{\"span_id\": tru".getBytes(UTF_8);
    List<DeadLetter.Header> headers = List.of(new DeadLetter.Header("h", new byte[] {9}));

    read(new SourceRecord("spans", 3, 99, key, value, headers), 0);

    assertThat(harness.extractOutputValues()).isEmpty();
    DeadLetter letter = onlyLetter();
    assertThat(letter.key()).isSameAs(key);
    assertThat(letter.value()).isSameAs(value);
    assertThat(letter.headers()).isEqualTo(headers);
    assertThat(letter.reason()).isEqualTo(RejectReason.MALFORMED_JSON.label());
    assertThat(letter.error()).isNotBlank();
    assertThat(letter.topic()).isEqualTo("spans");
    assertThat(letter.position()).isEqualTo(new SourcePosition(3, 99, 0));
  }

  @Test
  void rejectsTombstones() throws Exception {
    read(new SourceRecord("spans", 0, 1, null, null, List.of()), 0);

    assertThat(onlyLetter().reason()).isEqualTo(RejectReason.EMPTY.label());
    assertThat(onlyLetter().value()).isNull();
  }

  @Test
  void rejectsRecordsThatAreTooLargeForAMessage() throws Exception {
    String good = SpanRecords.json(Spans.root(TRACE, 7, 3_000, 0));
    String padded = "{\"pad\":\"" + "x".repeat(MAX_RECORD_BYTES) + "\"," + good.substring(1);

    read(new SourceRecord("spans", 0, 1, null, padded.getBytes(UTF_8), List.of()), 0);

    assertThat(onlyLetter().reason()).isEqualTo(RejectReason.TOO_LARGE.label());
  }

  @Test
  void continuesAfterABadRecord() throws Exception {
    read(new SourceRecord("spans", 0, 1, null, new byte[] {'x'}, List.of()), 0);
    byte[] value = SpanRecords.json(Spans.root(TRACE, 7, 3_000, 0)).getBytes(UTF_8);
    read(new SourceRecord("spans", 0, 2, null, value, List.of()), 0);

    assertThat(harness.extractOutputValues()).extracting(Span::offset).containsExactly(2L);
  }

  @Test
  void dropsListedSpansAndAddsThemUpByOrganizationAndProjectUntilTheBarrier() throws Exception {
    harness.setProcessingTime(3_000);
    readSpan(1, new TraceKey(7, 9, 9));
    harness.setProcessingTime(5_000);
    readSpan(1, new TraceKey(7, 9, 8));
    readSpan(1, TRACE);
    readSpan(1, OF_OTHERS);
    readSpan(2, new TraceKey(7, 9, 9));
    readSpan(9, TRACE);
    assertThat(harness.getSideOutput(ParseOperator.REJECTED)).isNull();

    harness.prepareSnapshotPreBarrier(1);

    assertThat(harness.extractOutputValues()).extracting(Span::trace).containsExactly(TRACE);
    assertThat(outcomes())
        .extracting(TalliedOutcome::outcome)
        .containsExactlyInAnyOrder(
            dropped(5_000, 1, 7, 2),
            dropped(5_000, 1, 8, 1),
            dropped(5_000, 2, 7, 1),
            dropped(5_000, 9, 42, 1));
    assertThat(outcomes())
        .extracting(TalliedOutcome::id)
        .doesNotHaveDuplicates()
        .allMatch(id -> id.matches("[0-9a-f]{32}"));
  }

  @Test
  void emitsEachSumOnceBeforeABarrierAndAtTheEndOfInput() throws Exception {
    readSpan(1, new TraceKey(7, 9, 9));
    harness.prepareSnapshotPreBarrier(1);
    harness.prepareSnapshotPreBarrier(2);
    readSpan(1, new TraceKey(7, 9, 9));
    readSpan(1, new TraceKey(7, 9, 9));
    harness.getOneInputOperator().finish();

    assertThat(outcomes())
        .extracting(tallied -> tallied.outcome().quantity())
        .containsExactly(1L, 2L);
    assertThat(outcomes()).extracting(TalliedOutcome::id).doesNotHaveDuplicates();
  }

  @Test
  void keepsABoundedNumberOfSums() throws Exception {
    for (int project = 0; project < ParseOperator.MAX_OUTCOMES - 1; project++) {
      readSpan(9, new TraceKey(project, 1, 2));
    }
    assertThat(harness.getSideOutput(ParseOperator.REJECTED)).isNull();

    readSpan(9, new TraceKey(ParseOperator.MAX_OUTCOMES, 1, 2));

    assertThat(outcomes()).hasSize(ParseOperator.MAX_OUTCOMES);
  }

  @Test
  void rejectsABadRecordOfADroppedProject() throws Exception {
    byte[] value = "{\"organization_id\":1,\"project_id\":7}".getBytes(UTF_8);

    read(new SourceRecord("spans", 0, 1, null, value, List.of()), 0);

    assertThat(onlyLetter().reason()).isEqualTo(RejectReason.INVALID_FIELD.label());
    harness.prepareSnapshotPreBarrier(1);
    assertThat(harness.getSideOutput(ParseOperator.REJECTED)).hasSize(1);
  }

  private void read(SourceRecord source, long timestamp) throws Exception {
    harness.processElement(new StreamRecord<>(source, timestamp));
  }

  private void readSpan(long organization, TraceKey trace) throws Exception {
    String json =
        SpanRecords.json(Spans.root(trace, 7, 3_000, 0))
            .replace("\"organization_id\":1,", "\"organization_id\":" + organization + ",");
    read(new SourceRecord("spans", 0, 1, null, json.getBytes(UTF_8), List.of()), 0);
  }

  private static Outcome dropped(long time, long organization, long project, long quantity) {
    return new Outcome(time, organization, project, Outcome.Reason.DROPPED, quantity);
  }

  private List<TalliedOutcome> outcomes() {
    return harness.getSideOutput(ParseOperator.REJECTED).stream()
        .map(record -> (TalliedOutcome) record.getValue())
        .toList();
  }

  private DeadLetter onlyLetter() {
    assertThat(harness.getSideOutput(ParseOperator.REJECTED)).hasSize(1);
    return (DeadLetter) harness.getSideOutput(ParseOperator.REJECTED).element().getValue();
  }
}

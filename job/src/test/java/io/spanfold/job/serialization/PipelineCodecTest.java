package io.spanfold.job.serialization;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.SourcePosition;
import io.spanfold.core.model.SourceRecord;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.TalliedOutcome;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class PipelineCodecTest {

  @Test
  void readsTraceKeysAsTheyWereWritten() throws IOException {
    RoundTrip.check(new TraceKeyCodec(), RandomModel::trace);
  }

  @Test
  void readsSpansAsTheyWereWritten() throws IOException {
    RoundTrip.check(new SpanCodec(), RandomModel::span);
  }

  @Test
  void readsColumnsAsTheyWereWritten() throws IOException {
    RoundTrip.check(new SpanColumnsCodec(), RandomModel::columns);
  }

  @Test
  void readsSubsegmentsAsTheyWereWritten() throws IOException {
    RoundTrip.check(new SubsegmentCodec(), RandomModel::subsegment);
  }

  @Test
  void readsSourceRecordsAsTheyWereWritten() throws IOException {
    RoundTrip.check(
        new SourceRecordCodec(),
        random ->
            new SourceRecord(
                "topic-" + random.upTo(9),
                random.count(),
                random.amount(),
                random.bytesOrNone(),
                random.bytesOrNone(),
                random.list(
                    () ->
                        new DeadLetter.Header("h\u00e4" + random.upTo(9), random.bytesOrNone()))));
  }

  @Test
  void readsBatchesAsTheyWereWritten() throws IOException {
    RoundTrip.check(
        new SpanBatchCodec(),
        random ->
            new SpanBatch(
                random.list(
                    () ->
                        new TraceSpans(
                            random.trace(), random.columns(), unstored(random), random.bytes())),
                random.upTo(1) == 0 ? null : new Generation(random.upTo(1), random.upTo(1))));
  }

  @Test
  void readsStoredTracesAsTheyWereWritten() throws IOException {
    RoundTrip.check(
        new StoredTraceCodec(),
        random ->
            new StoredTrace(random.trace(), random.columns(), random.list(random::subsegment)));
  }

  @Test
  void readsFlushRequestsAsTheyWereWritten() throws IOException {
    RoundTrip.check(new FlushRequestCodec(), RandomModel::request);
  }

  @Test
  void readsFlushedPartsAsTheyWereWritten() throws IOException {
    RoundTrip.check(
        new FlushedPartCodec(),
        random ->
            new FlushedPart(
                random.list(
                    () ->
                        new SegmentMessage(
                            "%032x".formatted(random.amount()),
                            random.bytes(),
                            random.count(),
                            random.count())),
                random.list(() -> outcome(random)),
                random.receipt()));
  }

  @Test
  void readsOutcomesAsTheyWereWritten() throws IOException {
    RoundTrip.check(
        new TalliedOutcomeCodec(),
        random -> new TalliedOutcome("%032x".formatted(random.amount()), outcome(random)));
  }

  @Test
  void readsRejectsAsTheyWereWritten() throws IOException {
    RoundTrip.check(
        new RejectCodec(),
        random ->
            random.upTo(1) == 0
                ? new TalliedOutcome("%032x".formatted(random.amount()), outcome(random))
                : new DeadLetter(
                    random.bytesOrNone(),
                    random.bytesOrNone(),
                    List.of(),
                    "reason-" + random.upTo(9),
                    "topic-" + random.upTo(9),
                    new SourcePosition(random.count(), random.amount(), random.count()),
                    "error"));
  }

  private static Outcome outcome(RandomModel random) {
    return new Outcome(
        random.amount(),
        random.amount(),
        random.amount(),
        random.oneOf(Outcome.Reason.values()),
        random.amount());
  }

  private static List<UnstoredSubsegment> unstored(RandomModel random) {
    List<UnstoredSubsegment> unstored = new ArrayList<>();
    int offset = 0;
    for (int i = random.upTo(3); i > 0; i--) {
      int spans = random.upTo(5);
      long[] ids = LongStream.generate(random::any).limit(spans).toArray();
      int length = random.upTo(1_000_000);
      unstored.add(new UnstoredSubsegment(random.subsegment(spans), offset, length, ids));
      offset += length;
    }
    return unstored;
  }
}

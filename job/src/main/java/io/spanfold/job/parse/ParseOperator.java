package io.spanfold.job.parse;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.format.RejectedRecordException;
import io.spanfold.core.format.SpanParser;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.Reject;
import io.spanfold.core.model.SourceRecord;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TalliedOutcome;
import io.spanfold.job.config.DropRules;
import io.spanfold.job.serialization.StateType;
import io.spanfold.job.time.SourceClock;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.util.OutputTag;

/**
 * Parses records. Bad records leave by the side output {@link #REJECTED}, and never fail the job.
 * Spans that {@code ingest.drop} lists are dropped and counted. A bad record is never dropped, as
 * nothing in it can be relied on.
 *
 * <p>Dropped spans are added up by organization and project, so that a flood of them is not a flood
 * of outcomes. The sums are not in state: they are emitted before each barrier and at the end of
 * input, so an outcome is in the checkpoint in which its spans were read. Their number is bounded.
 */
public final class ParseOperator extends AbstractStreamOperator<Span>
    implements OneInputStreamOperator<SourceRecord, Span>, BoundedOneInput {

  private static final long serialVersionUID = 1L;

  /** Dead letters, and outcomes of dropped spans. */
  public static final OutputTag<Reject> REJECTED = new OutputTag<>("rejected", StateType.REJECT);

  /** How many sums are kept at most, of some hundred bytes each. */
  static final int MAX_OUTCOMES = 10_000;

  private record Owner(long organizationId, long projectId) {}

  private final int maxRecordBytes;
  private final DropRules rules;

  private transient SpanParser parser;
  private transient Map<Owner, Outcome> outcomes;

  /** Of the reader in the same task. */
  private transient Optional<SourceClock> source;

  private transient Counter spansIn;
  private transient Counter bytesIn;
  private transient Counter rejected;
  private transient Counter dropped;

  /**
   * @param maxRecordBytes the largest record that is accepted
   * @param rules whose spans are dropped
   */
  public ParseOperator(int maxRecordBytes, DropRules rules) {
    this.maxRecordBytes = maxRecordBytes;
    this.rules = rules;
  }

  @Override
  public void open() throws Exception {
    super.open();
    parser = new SpanParser(maxRecordBytes);
    source = SourceClock.find(getMetricGroup());
    outcomes = new LinkedHashMap<>();
    spansIn = getMetricGroup().counter("spansIn");
    bytesIn = getMetricGroup().counter("spanBytesIn");
    rejected = getMetricGroup().counter("deadLetters");
    dropped = getMetricGroup().counter("spansDropped");
  }

  @Override
  public void processElement(StreamRecord<SourceRecord> element) {
    SourceRecord source = element.getValue();
    spansIn.inc();
    try {
      Span span =
          parser.parse(source.value(), element.getTimestamp(), source.partition(), source.offset());
      if (rules.matches(span)) {
        drop(span);
      } else {
        bytesIn.inc(span.record().length);
        output.collect(element.replace(span));
      }
    } catch (RejectedRecordException e) {
      rejected.inc();
      reject(source.rejected(e.reason().label(), e.getMessage()));
    }
  }

  private void drop(Span span) {
    dropped.inc();
    outcomes.merge(
        new Owner(span.organizationId(), span.trace().projectId()),
        new Outcome(
            getProcessingTimeService().getCurrentProcessingTime(),
            span.organizationId(),
            span.trace().projectId(),
            Outcome.Reason.DROPPED,
            1),
        ParseOperator::sum);
    if (outcomes.size() >= MAX_OUTCOMES) {
      emitOutcomes();
    }
  }

  private static Outcome sum(Outcome some, Outcome more) {
    return new Outcome(
        Math.max(some.timestamp(), more.timestamp()),
        some.organizationId(),
        some.projectId(),
        some.reason(),
        some.quantity() + more.quantity());
  }

  private void emitOutcomes() {
    outcomes.values().forEach(this::emit);
    outcomes.clear();
  }

  /**
   * Reports what was deleted before it could be read. The source forgets it by this, in the same
   * checkpoint.
   */
  private void emitDeleted() {
    if (source.isEmpty()) {
      return;
    }
    for (long offsets : source.get().takeDeleted().values()) {
      emit(
          new Outcome(
              getProcessingTimeService().getCurrentProcessingTime(),
              Outcome.UNKNOWN,
              Outcome.UNKNOWN,
              Outcome.Reason.OFFSETS_LOST,
              offsets));
    }
  }

  private void emit(Outcome outcome) {
    // Random, as nothing identifies a sum: after a failure other records are added up together.
    UUID id = UUID.randomUUID();
    reject(
        new TalliedOutcome(
            Hex.id(id.getMostSignificantBits()) + Hex.id(id.getLeastSignificantBits()), outcome));
  }

  private void reject(Reject reject) {
    output.collect(REJECTED, new StreamRecord<>(reject));
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    emitOutcomes();
    emitDeleted();
    super.prepareSnapshotPreBarrier(checkpointId);
  }

  /**
   * Ends record time. Flink drops the maximum watermark of a source that is idle, as is one that
   * waits for its partitions, but what is buffered must be flushed.
   */
  @Override
  public void endInput() {
    output.emitWatermarkStatus(WatermarkStatus.ACTIVE);
    output.emitWatermark(Watermark.MAX_WATERMARK);
  }

  @Override
  public void finish() throws Exception {
    emitOutcomes();
    emitDeleted();
    super.finish();
  }
}

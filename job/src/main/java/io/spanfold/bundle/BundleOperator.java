package io.spanfold.bundle;

import io.spanfold.model.Bundle;
import io.spanfold.model.Bundle.TraceSpans;
import io.spanfold.model.Span;
import io.spanfold.model.TraceKey;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ScheduledFuture;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;

/**
 * Gathers spans for a moment. What costs Redis is the number of subsegments and calls, not of
 * spans; deadlines are ten seconds and more, so the moment costs nobody anything.
 *
 * <p>It has no state: the open bundle is handed on before each barrier, and at the end of input. A
 * watermark waits for the bundle that is open when it comes, so it lags by at most the delay and
 * never overtakes a span.
 */
public final class BundleOperator extends AbstractStreamOperator<Bundle>
    implements OneInputStreamOperator<Span, Bundle> {

  private static final long serialVersionUID = 1L;

  private final BundleLimits limits;
  private final SubsegmentGrouping grouping;

  private transient Map<TraceKey, List<Span>> open;
  private transient int spans;
  private transient long bytes;
  private transient ScheduledFuture<?> timer;
  private transient Watermark heldWatermark;

  /** Makes an operator that hands bundles on at {@code limits}, grouped by {@code grouping}. */
  public BundleOperator(BundleLimits limits, SubsegmentGrouping grouping) {
    this.limits = limits;
    this.grouping = grouping;
  }

  @Override
  public void open() throws Exception {
    super.open();
    open = new LinkedHashMap<>();
  }

  @Override
  public void processElement(StreamRecord<Span> record) {
    Span span = record.getValue();
    // Handed on before, not after: so one span more never makes a bundle larger than its bound.
    if (spans > 0 && bytes + span.record().length > limits.maxBytes()) {
      handOn();
    }
    if (spans == 0) {
      startTimer();
    }
    open.computeIfAbsent(span.trace(), trace -> new ArrayList<>()).add(span);
    spans++;
    bytes += span.record().length;
    if (spans >= limits.maxSpans()) {
      handOn();
    }
  }

  private void startTimer() {
    long now = getProcessingTimeService().getCurrentProcessingTime();
    timer =
        getProcessingTimeService().registerTimer(now + limits.maxDelayMillis(), time -> handOn());
  }

  private void handOn() {
    if (spans > 0) {
      timer.cancel(false);
      List<TraceSpans> traces = new ArrayList<>(open.size());
      open.forEach((trace, members) -> traces.add(grouping.group(trace, members)));
      open.clear();
      spans = 0;
      bytes = 0;
      output.collect(new StreamRecord<>(new Bundle(traces)));
    }
    if (heldWatermark != null) {
      output.emitWatermark(heldWatermark);
      heldWatermark = null;
    }
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    heldWatermark = mark;
    if (spans == 0 || mark.equals(Watermark.MAX_WATERMARK)) {
      handOn();
    }
  }

  @Override
  public void processWatermarkStatus(WatermarkStatus status) throws Exception {
    handOn();
    super.processWatermarkStatus(status);
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    handOn();
    super.prepareSnapshotPreBarrier(checkpointId);
  }

  @Override
  public void finish() throws Exception {
    handOn();
    super.finish();
  }
}

package io.spanfold.job.batch;

import io.spanfold.core.batch.BatchLimits;
import io.spanfold.core.batch.OpenBatch;
import io.spanfold.core.batch.SubsegmentGrouping;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch;
import java.util.concurrent.ScheduledFuture;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;

/**
 * Gathers spans into batches. The cost in Redis depends on subsegments and calls, not on spans. The
 * delay is short compared with deadlines of ten seconds and more.
 *
 * <p>It has no state: the open batch is emitted before each barrier, and at the end of input. A
 * watermark waits for the batch that is open when it comes, so it lags by at most the delay and
 * never overtakes a span.
 */
public final class BatchOperator extends AbstractStreamOperator<SpanBatch>
    implements OneInputStreamOperator<Span, SpanBatch> {

  private static final long serialVersionUID = 1L;

  private final BatchLimits limits;
  private final SubsegmentGrouping grouping;

  private transient OpenBatch batch;
  private transient ScheduledFuture<?> timer;
  private transient Watermark heldWatermark;

  public BatchOperator(BatchLimits limits, SubsegmentGrouping grouping) {
    this.limits = limits;
    this.grouping = grouping;
  }

  @Override
  public void open() throws Exception {
    super.open();
    batch = new OpenBatch(limits, grouping);
  }

  @Override
  public void processElement(StreamRecord<Span> record) {
    Span span = record.getValue();
    if (!batch.hasRoomFor(span)) {
      forward();
    }
    if (batch.isEmpty()) {
      startTimer();
    }
    batch.add(span);
    if (batch.isFull()) {
      forward();
    }
  }

  private void startTimer() {
    long now = getProcessingTimeService().getCurrentProcessingTime();
    timer =
        getProcessingTimeService().registerTimer(now + limits.maxDelayMillis(), time -> forward());
  }

  private void forward() {
    if (!batch.isEmpty()) {
      timer.cancel(false);
      output.collect(new StreamRecord<>(batch.close()));
    }
    if (heldWatermark != null) {
      output.emitWatermark(heldWatermark);
      heldWatermark = null;
    }
  }

  @Override
  public void processWatermark(Watermark mark) throws Exception {
    heldWatermark = mark;
    if (batch.isEmpty() || mark.equals(Watermark.MAX_WATERMARK)) {
      forward();
    }
  }

  @Override
  public void processWatermarkStatus(WatermarkStatus status) throws Exception {
    forward();
    super.processWatermarkStatus(status);
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    forward();
    super.prepareSnapshotPreBarrier(checkpointId);
  }

  @Override
  public void finish() throws Exception {
    forward();
    super.finish();
  }
}

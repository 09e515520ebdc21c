package io.spanfold.job.track;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.Await;
import io.spanfold.job.serialization.StateType;
import io.spanfold.testing.Spans;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A step of the clock in Flink's tasks, with their mailboxes and aligned barriers. */
class ClockStepITCase {

  private static final int TRACES = 100_000;
  private static final long SENT = 1_000;
  private static final Watermark STEP = new Watermark(1_000_000);

  /** How many parts were before each snapshot. */
  private static final Map<Long, Integer> BEFORE_SNAPSHOT = new ConcurrentHashMap<>();

  private static volatile boolean failed;
  private static volatile List<Long> beforeWatermark;

  /** Fails after a checkpoint in the middle of the step, too. */
  @Test
  void checkpointsCompleteWhileAHundredThousandPartsAreDue(@TempDir Path checkpoints)
      throws Exception {
    Configuration flink = new Configuration();
    flink.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, checkpoints.toUri().toString());
    flink.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(200));
    flink.set(PipelineOptions.GENERIC_TYPES, false);
    flink.set(RestartStrategyOptions.RESTART_STRATEGY, "fixed-delay");
    flink.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_ATTEMPTS, 1);
    flink.set(RestartStrategyOptions.RESTART_STRATEGY_FIXED_DELAY_DELAY, Duration.ofMillis(10));
    var env = StreamExecutionEnvironment.getExecutionEnvironment(flink);
    env.setParallelism(1);
    DataGeneratorSource<Long> numbers =
        new DataGeneratorSource<>(
            number -> number,
            Long.MAX_VALUE,
            RateLimiterStrategy.perCheckpoint(TRACES),
            Types.LONG);
    env.fromSource(numbers, WatermarkStrategy.noWatermarks(), "numbers")
        .transform("open traces", StateType.STORED_TRACE, new OpenTraces())
        .keyBy(StoredTrace::trace, StateType.TRACE_KEY)
        .transform(
            "track",
            StateType.FLUSH_REQUEST,
            new TrackOperator(TrackOperatorTest.SETTINGS, TrackOperatorTest.NO_REDIS))
        .transform("record", Types.LONG, new Recorder())
        .sinkTo(new DiscardingSink<>());

    var job = env.executeAsync("a step of the clock");
    assertThat(Await.until(() -> beforeWatermark != null, Duration.ofMinutes(2)))
        .as("the watermark is forwarded")
        .isTrue();
    job.cancel().get();

    assertThat(failed).as("a checkpoint was completed in the middle").isTrue();
    assertThat(beforeWatermark).hasSize(TRACES).doesNotHaveDuplicates();
  }

  /** Makes a trace of each number, and then a step of the clock. */
  private static final class OpenTraces extends AbstractStreamOperator<StoredTrace>
      implements OneInputStreamOperator<Long, StoredTrace> {
    private static final long serialVersionUID = 1L;

    private transient boolean stepped;

    @Override
    public void processElement(StreamRecord<Long> number) {
      if (number.getValue() < TRACES) {
        TraceKey trace = new TraceKey(1, 2, number.getValue());
        output.collect(
            new StreamRecord<>(
                TrackOperatorTest.stored(
                    trace, List.of(Spans.root(trace, 1, SENT, number.getValue())))));
      } else if (!stepped) {
        stepped = true;
        output.emitWatermark(STEP);
      }
    }
  }

  /** As slow as a sink, so that the step takes many checkpoints. */
  private static final class Recorder extends AbstractStreamOperator<Long>
      implements OneInputStreamOperator<FlushRequest, Long> {
    private static final long serialVersionUID = 1L;

    private transient List<Long> traces;
    private transient ListState<Long> saved;

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
      super.initializeState(context);
      saved =
          context
              .getOperatorStateStore()
              .getListState(new ListStateDescriptor<>("traces", LongSerializer.INSTANCE));
      traces = new ArrayList<>();
      saved.get().forEach(traces::add);
    }

    @Override
    public void processElement(StreamRecord<FlushRequest> request) {
      traces.add(((DuePart) request.getValue()).trace().traceLow());
      LockSupport.parkNanos(20_000);
    }

    @Override
    public void processWatermark(Watermark mark) throws Exception {
      beforeWatermark = List.copyOf(traces);
      super.processWatermark(mark);
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
      super.snapshotState(context);
      saved.update(traces);
      BEFORE_SNAPSHOT.put(context.getCheckpointId(), traces.size());
    }

    @Override
    public void notifyCheckpointComplete(long checkpointId) throws Exception {
      super.notifyCheckpointComplete(checkpointId);
      int parts = BEFORE_SNAPSHOT.getOrDefault(checkpointId, 0);
      if (!failed && parts > 0 && parts < TRACES) {
        failed = true;
        throw new IllegalStateException("failure in the middle of a step, on purpose");
      }
    }
  }
}

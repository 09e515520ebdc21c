package io.spanfold.benchmarks;

import io.spanfold.core.fold.FoldOutput;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.fold.TraceFold;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.StoredTrace;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * From stored subsegments to parts: each trace is folded on an empty state and flushed. The state
 * is plain maps, so that this is the fold alone, without codecs and backends.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class FoldBenchmark {

  private static final FoldSettings SETTINGS =
      new FoldSettings(60_000, 10_000, 900_000, 60_000, 10_000_000);
  private static final long LONG_AFTER = 1_800_000_000_000L;

  @Param({"SERVICES", "TYPICAL"})
  Traffic traffic;

  private final List<StoredTrace> traces = new ArrayList<>();
  private final Timers timers = new Timers();

  /** Makes the subsegments. */
  @Setup
  public void makeSubsegments() {
    for (TraceSpans trace : traffic.batch()) {
      traces.add(
          new StoredTrace(
              trace.trace(),
              trace.spans(),
              trace.subsegments().stream().map(UnstoredSubsegment::subsegment).toList()));
    }
  }

  /** Folds every trace, and flushes it. */
  @Benchmark
  @OperationsPerInvocation(Traffic.SPANS)
  public void fold(Blackhole hole) {
    timers.hole = hole;
    for (StoredTrace trace : traces) {
      MapFoldState state = new MapFoldState();
      TraceFold fold = new TraceFold(SETTINGS, state, timers);
      timers.segments.clear();
      fold.add(trace, 0);
      for (Long segment : List.copyOf(timers.segments)) {
        fold.onTimer(trace.trace(), segment, LONG_AFTER);
      }
    }
  }

  private static final class Timers implements FoldOutput {
    private final List<Long> segments = new ArrayList<>();
    private Blackhole hole;

    @Override
    public void due(DuePart part) {
      hole.consume(part);
    }

    @Override
    public void discard(Discard discard) {
      hole.consume(discard);
    }

    @Override
    public void duplicate() {}

    @Override
    public void setTimer(long segment, long time) {
      segments.add(segment);
    }

    @Override
    public void late() {}

    @Override
    public void early(int spans) {
      hole.consume(spans);
    }

    @Override
    public void setReorderTimer(long time) {
      hole.consume(time);
    }
  }
}

package io.spanfold.benchmarks;

import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.payload.BufferedSpan;
import io.spanfold.core.payload.SpanFrames;
import io.spanfold.core.segment.PartBuilder;
import io.spanfold.core.segment.SpanStamper;
import java.time.Clock;
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

/** From unpacked payloads to messages. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class BuildBenchmark {

  private static final int MESSAGE_BYTES = 10_000_000;

  @Param({"SERVICES", "TYPICAL"})
  Traffic traffic;

  private final PartBuilder builder = new PartBuilder(MESSAGE_BYTES, Clock.systemUTC());
  private final byte[] message = new byte[1 << 20];
  private List<LoadedPart> parts;
  private List<BufferedSpan> spans;

  /** Makes the parts, and takes all spans. */
  @Setup
  public void makeParts() {
    parts = traffic.parts();
    spans = new ArrayList<>();
    for (LoadedPart part : parts) {
      for (LoadedSlice slice : part.slices()) {
        SpanFrames.forEach(slice.frames(), (index, span) -> spans.add(span));
      }
    }
  }

  /** Stamps every span into the same array. */
  @Benchmark
  @OperationsPerInvocation(Traffic.SPANS)
  public void stamp(Blackhole hole) {
    SpanStamper stamper = new SpanStamper(42);
    for (BufferedSpan span : spans) {
      hole.consume(stamper.stampedLength(span));
      hole.consume(stamper.stamp(span, message, 0));
    }
  }

  /** Unpacks, sorts, stamps, hashes and lays out every part. */
  @Benchmark
  @OperationsPerInvocation(Traffic.SPANS)
  public void build(Blackhole hole) {
    for (LoadedPart part : parts) {
      hole.consume(builder.build(part));
    }
  }
}

package io.spanfold.benchmarks;

import io.spanfold.buffer.compression.PayloadCompression;
import io.spanfold.core.batch.BatchLimits;
import io.spanfold.core.batch.OpenBatch;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch.TraceSpans;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/** From a batch's spans to stored payloads, and back. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class GroupBenchmark {

  @Param({"SERVICES", "TYPICAL"})
  Traffic traffic;

  private final PayloadCompression compression = new PayloadCompression(0);
  private final OpenBatch batch =
      new OpenBatch(new BatchLimits(Traffic.SPANS, Long.MAX_VALUE, 500), Traffic.GROUPING);
  private List<Span> spans;
  private List<byte[]> payloads;
  private List<byte[]> stored;

  /** Makes the spans. */
  @Setup
  public void makeSpans() {
    spans = traffic.spans();
    payloads = new ArrayList<>();
    stored = new ArrayList<>();
    long plain = 0;
    long packed = 0;
    List<TraceSpans> traces = traffic.batch();
    for (TraceSpans trace : traces) {
      payloads.add(trace.payload());
      stored.add(compression.compress(trace.payload()));
      plain += trace.payload().length;
      packed += stored.get(stored.size() - 1).length;
    }
    System.out.printf(
        "# %d traces, %d payloads, %.0f bytes a span, %.0f compressed%n",
        traces.size(),
        payloads.size(),
        (double) plain / Traffic.SPANS,
        (double) packed / Traffic.SPANS);
  }

  /** Releases native memory. */
  @TearDown
  public void close() {
    compression.close();
  }

  /** Gathers a batch, groups its spans into subsegments and lays out their payloads. */
  @Benchmark
  @OperationsPerInvocation(Traffic.SPANS)
  public void group(Blackhole hole) {
    for (Span span : spans) {
      batch.add(span);
    }
    hole.consume(batch.close());
  }

  /** Compresses every payload. */
  @Benchmark
  @OperationsPerInvocation(Traffic.SPANS)
  public void compress(Blackhole hole) {
    for (byte[] payload : payloads) {
      hole.consume(compression.compress(payload));
    }
  }

  /** Unpacks every payload. */
  @Benchmark
  @OperationsPerInvocation(Traffic.SPANS)
  public void decompress(Blackhole hole) {
    for (byte[] payload : stored) {
      hole.consume(compression.decompress(payload, Integer.MAX_VALUE));
    }
  }
}

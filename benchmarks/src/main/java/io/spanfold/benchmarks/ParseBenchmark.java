package io.spanfold.benchmarks;

import io.spanfold.core.format.RejectedRecordException;
import io.spanfold.core.format.SpanParser;
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

/** From a record's bytes to a span. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class ParseBenchmark {

  @Param({"SERVICES", "TYPICAL"})
  Traffic traffic;

  private final SpanParser parser = new SpanParser(Traffic.MAX_RECORD_BYTES);
  private List<byte[]> records;

  /** Makes the records. */
  @Setup
  public void makeRecords() {
    records = traffic.records();
  }

  /** Parses every record. */
  @Benchmark
  @OperationsPerInvocation(Traffic.SPANS)
  public void parse(Blackhole hole) throws RejectedRecordException {
    long offset = 0;
    for (byte[] record : records) {
      hole.consume(parser.parse(record, 1_700_000_000_000L, 0, offset++));
    }
  }
}

package io.spanfold.parse;

import io.spanfold.codec.CodecTypeInfo;
import io.spanfold.codec.DeadLetterCodec;
import io.spanfold.model.DeadLetter;
import io.spanfold.model.SourceRecord;
import io.spanfold.model.Span;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/** Parses records, and puts aside those that are no good: a bad record never fails the job. */
public final class ParseFunction extends ProcessFunction<SourceRecord, Span> {

  private static final long serialVersionUID = 1L;

  /** Where the records go that are no good. */
  public static final OutputTag<DeadLetter> REJECTED =
      new OutputTag<>("rejected", new CodecTypeInfo<>(DeadLetter.class, new DeadLetterCodec()));

  private final int maxRecordBytes;

  private transient SpanParser parser;
  private transient Counter spansIn;
  private transient Counter bytesIn;
  private transient Counter rejected;

  /** Makes a function that rejects records above {@code maxRecordBytes}. */
  public ParseFunction(int maxRecordBytes) {
    this.maxRecordBytes = maxRecordBytes;
  }

  @Override
  public void open(OpenContext context) {
    parser = new SpanParser(maxRecordBytes);
    spansIn = getRuntimeContext().getMetricGroup().counter("spansIn");
    bytesIn = getRuntimeContext().getMetricGroup().counter("spanBytesIn");
    rejected = getRuntimeContext().getMetricGroup().counter("deadLetters");
  }

  @Override
  public void processElement(SourceRecord source, Context context, Collector<Span> out) {
    spansIn.inc();
    try {
      Span span =
          parser.parse(source.value(), context.timestamp(), source.partition(), source.offset());
      bytesIn.inc(span.record().length);
      out.collect(span);
    } catch (RejectedRecordException e) {
      rejected.inc();
      context.output(REJECTED, source.rejected(e.reason().label(), e.getMessage()));
    }
  }
}

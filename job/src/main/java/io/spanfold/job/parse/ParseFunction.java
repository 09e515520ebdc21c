package io.spanfold.job.parse;

import io.spanfold.core.format.RejectedRecordException;
import io.spanfold.core.format.SpanParser;
import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.SourceRecord;
import io.spanfold.core.model.Span;
import io.spanfold.job.config.DropRules;
import io.spanfold.job.serialization.CodecTypeInfo;
import io.spanfold.job.serialization.DeadLetterCodec;
import io.spanfold.job.serialization.OutcomeCodec;
import java.util.List;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/**
 * Parses records, and puts aside those that are no good, and those that are to be dropped: a bad
 * record never fails the job. One that is both is a bad one, as nobody can say whose it is.
 */
public final class ParseFunction extends ProcessFunction<SourceRecord, Span> {

  private static final long serialVersionUID = 1L;

  /** Where the records go that are no good. */
  public static final OutputTag<DeadLetter> REJECTED =
      new OutputTag<>("rejected", new CodecTypeInfo<>(DeadLetter.class, new DeadLetterCodec()));

  /** What is told of spans that are dropped: an outcome of one span for each. */
  public static final OutputTag<Outcome> DROPPED =
      new OutputTag<>("dropped", new CodecTypeInfo<>(Outcome.class, new OutcomeCodec()));

  private final int maxRecordBytes;
  private final List<String> drop;

  private transient SpanParser parser;
  private transient DropRules rules;
  private transient Counter spansIn;
  private transient Counter bytesIn;
  private transient Counter rejected;
  private transient Counter dropped;

  /**
   * Makes a function.
   *
   * @param maxRecordBytes the largest record that is accepted
   * @param drop whose spans are dropped: {@code project}, {@code project:trace} (the trace as 32
   *     hexadecimal digits) or {@code organization:id}; checked before
   */
  public ParseFunction(int maxRecordBytes, List<String> drop) {
    this.maxRecordBytes = maxRecordBytes;
    this.drop = List.copyOf(drop);
  }

  @Override
  public void open(OpenContext context) {
    parser = new SpanParser(maxRecordBytes);
    rules = new DropRules(drop);
    spansIn = getRuntimeContext().getMetricGroup().counter("spansIn");
    bytesIn = getRuntimeContext().getMetricGroup().counter("spanBytesIn");
    rejected = getRuntimeContext().getMetricGroup().counter("deadLetters");
    dropped = getRuntimeContext().getMetricGroup().counter("spansDropped");
  }

  @Override
  public void processElement(SourceRecord source, Context context, Collector<Span> out) {
    spansIn.inc();
    try {
      Span span =
          parser.parse(source.value(), context.timestamp(), source.partition(), source.offset());
      if (rules.drop(span)) {
        drop(span, context);
      } else {
        bytesIn.inc(span.record().length);
        out.collect(span);
      }
    } catch (RejectedRecordException e) {
      rejected.inc();
      context.output(REJECTED, source.rejected(e.reason().label(), e.getMessage()));
    }
  }

  private void drop(Span span, Context context) {
    dropped.inc();
    context.output(
        DROPPED,
        new Outcome(
            context.timerService().currentProcessingTime(),
            span.organizationId(),
            span.trace().projectId(),
            Outcome.Reason.DROPPED,
            1));
  }
}

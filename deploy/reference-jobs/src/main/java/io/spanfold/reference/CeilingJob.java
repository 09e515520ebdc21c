package io.spanfold.reference;

import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;
import org.apache.flink.util.ParameterTool;

/**
 * The upper bound of Flink: spans are read, parsed, sent to their trace's subtask with all their
 * bytes, and counted there. Nothing is kept or emitted.
 */
public final class CeilingJob {

  private CeilingJob() {}

  /** Submits the job; options as {@code --name value}. */
  public static void main(String[] args) throws Exception {
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    ParsedSpans.of(env, ParameterTool.fromArgs(args))
        .process(new Count())
        .returns(Types.LONG)
        .name("Count")
        .uid("count")
        .sinkTo(new DiscardingSink<>());
    env.execute("Ceiling");
  }

  private static final class Count extends KeyedProcessFunction<TraceKey, Span, Long> {
    private static final long serialVersionUID = 1L;

    private transient ValueState<Long> counts;

    @Override
    public void open(OpenContext context) {
      counts = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Types.LONG));
    }

    @Override
    public void processElement(Span span, Context context, Collector<Long> out) throws Exception {
      Long before = counts.value();
      counts.update(before == null ? 1 : before + 1);
    }
  }
}

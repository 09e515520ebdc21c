package io.spanfold.reference;

import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.serialization.StateType;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Keeps a trace's spans in keyed state until none arrives for the timeout. The state is a list,
 * which RocksDB appends to without reading, and one number. A trace has one timer at a time: if
 * spans have arrived since it was set, it is set again when it fires, not with each span.
 */
final class TraceBuffer extends KeyedProcessFunction<TraceKey, Span, byte[]> {

  private static final long serialVersionUID = 1L;

  private final long timeoutMillis;
  private final long rootTimeoutMillis;

  private transient ListState<Span> spans;

  /** The latest record time, times two, plus one if a root is among the spans. */
  private transient ValueState<Long> latestAndRoot;

  private transient Counter spansOut;
  private transient Counter messagesOut;

  TraceBuffer(long timeoutMillis, long rootTimeoutMillis) {
    this.timeoutMillis = timeoutMillis;
    this.rootTimeoutMillis = rootTimeoutMillis;
  }

  @Override
  public void open(OpenContext context) {
    spans =
        getRuntimeContext()
            .getListState(new ListStateDescriptor<>("spans", StateType.SPAN.serializer()));
    latestAndRoot =
        getRuntimeContext().getState(new ValueStateDescriptor<>("latest-and-root", Types.LONG));
    spansOut = getRuntimeContext().getMetricGroup().counter("spansOut");
    messagesOut = getRuntimeContext().getMetricGroup().counter("messagesOut");
  }

  @Override
  public void processElement(Span span, Context context, Collector<byte[]> out) throws Exception {
    spans.add(span);
    Long known = latestAndRoot.value();
    long latest = known == null ? span.timestamp() : Math.max(known >> 1, span.timestamp());
    boolean root = span.root() || known != null && (known & 1) == 1;
    long next = latest << 1 | (root ? 1 : 0);
    if (known == null || next != known) {
      latestAndRoot.update(next);
    }
    boolean hadRoot = known != null && (known & 1) == 1;
    if (known == null || root && !hadRoot) {
      // The timer of a trace without a root is late; a trace whose root arrives is due sooner.
      context.timerService().registerEventTimeTimer(dueAt(next));
    }
  }

  @Override
  public void onTimer(long timestamp, OnTimerContext context, Collector<byte[]> out)
      throws Exception {
    Long known = latestAndRoot.value();
    if (known == null) {
      return;
    }
    if (dueAt(known) > timestamp) {
      context.timerService().registerEventTimeTimer(dueAt(known));
      return;
    }
    List<Span> all = new ArrayList<>();
    spans.get().forEach(all::add);
    for (List<Span> segment : Segments.of(all)) {
      out.collect(SegmentJson.of(segment));
      spansOut.inc(segment.size());
      messagesOut.inc();
    }
    spans.clear();
    latestAndRoot.clear();
  }

  /** Rounded up to a second, so that timers coincide. */
  private long dueAt(long known) {
    long due = (known >> 1) + ((known & 1) == 1 ? rootTimeoutMillis : timeoutMillis);
    return (due + 999) / 1000 * 1000;
  }
}

package io.spanfold.buffer;

import io.spanfold.buffer.index.AddCall;
import io.spanfold.buffer.index.AddLargeCall;
import io.spanfold.buffer.index.IndexScripts;
import io.spanfold.buffer.index.TraceShare;
import io.spanfold.buffer.layout.StoredShare;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Writes one batch in rounds: first its small payloads and the index of each bucket, then the index
 * of traces that have turned out to be large, until all is added; last the payloads that have keys
 * of their own.
 *
 * <p>So the next attempt finds whatever a process that dies in between leaves: a small payload in
 * the hash of its generation, any other one by the index.
 */
final class BatchWrite {

  private final IndexScripts scripts;

  /** The shares of each bucket that a call adds with others. */
  private final Map<Integer, List<TraceShare>> packed = new TreeMap<>();

  private final List<AddLargeCall> large = new ArrayList<>();

  BatchWrite(IndexScripts scripts) {
    this.scripts = scripts;
  }

  /** Adds a trace's share. One with merged payloads is added like that of a large trace. */
  void add(int bucket, Generation generation, TraceSpans spans, StoredShare stored) {
    TraceShare share =
        new TraceShare(
            stored.trace(),
            generation,
            stored.subsegments(),
            spans.subsegments().stream().map(UnstoredSubsegment::spanIds).toList());
    if (stored.isMerged()) {
      large.addAll(scripts.addLarge(share, stored.single()));
    } else if (IndexScripts.isLarge(share)) {
      large.addAll(scripts.addLarge(share, null));
    } else {
      packed.computeIfAbsent(bucket, any -> new ArrayList<>()).add(share);
    }
  }

  /**
   * Sends the batch, and returns once Redis has acknowledged all of it.
   *
   * @param small the commands that store its small payloads
   * @param distributed those that store payloads in keys of their own
   */
  void send(
      RedisPipelines pipelines,
      String what,
      List<RedisCommand<?>> small,
      List<RedisCommand<?>> distributed) {
    List<AddCall> adds = new ArrayList<>();
    packed.forEach((bucket, shares) -> adds.addAll(scripts.addSubsegments(bucket, shares)));
    List<RedisCommand<?>> commands = new ArrayList<>(small);
    adds.forEach(call -> commands.add(call.command()));
    large.forEach(call -> commands.add(call.command()));
    List<Object> all = pipelines.sendMixed(what, commands);
    expireAgain(pipelines, what, small, all);
    Iterator<Object> answers = all.listIterator(small.size());
    List<AddLargeCall> left = new ArrayList<>();
    for (AddCall call : adds) {
      for (TraceShare share : call.large(answers.next())) {
        left.addAll(scripts.addLarge(share, null));
      }
    }
    large.forEach(call -> call.next(answers.next()).ifPresent(left::add));
    sendLarge(pipelines, what, left);
    pipelines.sendMixed(what, distributed);
  }

  /** An HSET that failed, and so was sent again, is behind the EXPIRE of its key. */
  private static void expireAgain(
      RedisPipelines pipelines, String what, List<RedisCommand<?>> payloads, List<Object> answers) {
    List<RedisCommand<?>> again = new ArrayList<>();
    for (int i = 0; i < payloads.size(); i++) {
      if (Boolean.FALSE.equals(answers.get(i))) {
        again.add(payloads.get(i));
      }
    }
    pipelines.sendMixed(what, again);
  }

  private static void sendLarge(RedisPipelines pipelines, String what, List<AddLargeCall> calls) {
    List<AddLargeCall> left = calls;
    while (!left.isEmpty()) {
      Iterator<Object> answers =
          pipelines.send(what, left.stream().map(AddLargeCall::command).toList()).iterator();
      List<AddLargeCall> again = new ArrayList<>();
      left.forEach(call -> call.next(answers.next()).ifPresent(again::add));
      left = again;
    }
  }
}

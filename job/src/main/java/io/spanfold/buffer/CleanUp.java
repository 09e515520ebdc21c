package io.spanfold.buffer;

import io.spanfold.buffer.index.BucketTags;
import io.spanfold.buffer.index.FinishCall;
import io.spanfold.buffer.index.FinishLargeCall;
import io.spanfold.buffer.index.Finished;
import io.spanfold.buffer.index.IndexScripts;
import io.spanfold.buffer.layout.MergedLayout;
import io.spanfold.buffer.layout.PayloadLayouts;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Cleans up after flushed parts, in rounds: removes them from the index of their buckets, then from
 * the records of large traces, and last the payloads that nothing needs any more. Where another
 * epoch has a bucket's lock it removes nothing.
 */
final class CleanUp {

  private final IndexScripts scripts;
  private final PayloadLayouts layouts;
  private final BucketTags tags;
  private final RedisPipelines pipelines;
  private final LockOwner owner;
  private final String what;

  private final Map<Integer, List<Receipt>> receipts = new TreeMap<>();
  private final Map<Integer, List<SmallPayload>> free = new TreeMap<>();

  /** The buckets that another epoch has locked. */
  private final Set<Integer> refused = new TreeSet<>();

  private record BucketCall(int bucket, FinishCall call) {}

  CleanUp(
      IndexScripts scripts,
      PayloadLayouts layouts,
      BucketTags tags,
      RedisPipelines pipelines,
      LockOwner owner,
      String what) {
    this.scripts = scripts;
    this.layouts = layouts;
    this.tags = tags;
    this.pipelines = pipelines;
    this.owner = owner;
    this.what = what;
  }

  /** Returns the buckets where nothing was removed, because a newer epoch has their lock. */
  Set<Integer> run(List<Receipt> all) {
    for (Receipt receipt : all) {
      int bucket = tags.buckets().of(receipt.trace());
      receipts.computeIfAbsent(bucket, any -> new ArrayList<>()).add(receipt);
    }
    finishLarge(finish());
    removePayloads();
    return refused;
  }

  /** Removes the parts from packed records; returns the receipts of large traces. */
  private Set<Receipt> finish() {
    List<BucketCall> calls = new ArrayList<>();
    receipts.forEach(
        (bucket, ofBucket) ->
            scripts
                .finishFlush(bucket, ofBucket, owner)
                .forEach(call -> calls.add(new BucketCall(bucket, call))));
    Iterator<Object> answers =
        pipelines.send(what, calls.stream().map(each -> each.call.command()).toList()).iterator();
    // Every call about a part of a receipt names the whole of it.
    Set<Receipt> large = Collections.newSetFromMap(new IdentityHashMap<>());
    for (BucketCall each : calls) {
      Finished finished = each.call.finished(answers.next());
      note(each.bucket, finished);
      large.addAll(finished.large());
    }
    return large;
  }

  /** Removes the parts of large traces, all traces at once, the calls of each in their order. */
  private void finishLarge(Set<Receipt> large) {
    Map<TraceKey, Deque<FinishLargeCall>> left = new LinkedHashMap<>();
    for (Receipt receipt : large) {
      boolean merged =
          receipt.subsegments().stream()
              .anyMatch(subsegment -> (subsegment.layouts() & MergedLayout.BIT) != 0);
      left.computeIfAbsent(receipt.trace(), any -> new ArrayDeque<>())
          .addAll(scripts.finishLarge(receipt, merged, owner));
    }
    left.values().removeIf(Deque::isEmpty);
    while (!left.isEmpty()) {
      Iterator<Object> answers =
          pipelines
              .send(what, left.values().stream().map(calls -> calls.peek().command()).toList())
              .iterator();
      left.forEach((trace, calls) -> answered(trace, calls, answers.next()));
      left.values().removeIf(Deque::isEmpty);
    }
  }

  private void answered(TraceKey trace, Deque<FinishLargeCall> calls, Object answer) {
    FinishLargeCall call = calls.remove();
    call.next(answer)
        .ifPresentOrElse(
            calls::addFirst, () -> note(tags.buckets().of(trace), call.finished(answer)));
  }

  private void note(int bucket, Finished finished) {
    if (finished.refused()) {
      refused.add(bucket);
    }
    free.computeIfAbsent(bucket, any -> new ArrayList<>()).addAll(finished.free());
  }

  private void removePayloads() {
    List<RedisCommand<?>> removals = new ArrayList<>();
    free.forEach((bucket, payloads) -> removals.addAll(layouts.removeSmall(bucket, payloads)));
    receipts.forEach(
        (bucket, ofBucket) -> {
          if (!refused.contains(bucket)) {
            ofBucket.forEach(receipt -> removals.addAll(removals(receipt)));
          }
        });
    pipelines.sendMixed(what, removals);
  }

  private List<RedisCommand<?>> removals(Receipt receipt) {
    List<RedisCommand<?>> removals = new ArrayList<>();
    for (Subsegment subsegment : receipt.subsegments()) {
      removals.addAll(layouts.remove(receipt.trace(), subsegment));
    }
    return removals;
  }
}

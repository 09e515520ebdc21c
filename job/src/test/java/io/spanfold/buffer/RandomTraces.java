package io.spanfold.buffer;

import io.spanfold.buffer.IndexedTrace.Sub;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Traces of random shape, in random order and batches, with duplicates; without cycles. */
public final class RandomTraces {

  private RandomTraces() {}

  private record Span(long id, long parent, boolean root) {}

  /** Returns the calls of one trace: each a batch's subsegments. */
  public static List<List<Sub>> calls(Random random) {
    List<Span> spans = spans(random);
    Collections.shuffle(spans, random);
    List<List<Sub>> calls = new ArrayList<>();
    int mostPerBatch = 1 + random.nextInt(12);
    for (int from = 0; from < spans.size(); ) {
      int to = Math.min(spans.size(), from + 1 + random.nextInt(mostPerBatch));
      calls.add(batched(spans.subList(from, to), random));
      from = to;
    }
    return calls;
  }

  private static List<Span> spans(Random random) {
    int count = 1 + random.nextInt(80);
    // The maximum distance of a parent: short gives chains, long gives bushes.
    int reach = 1 + random.nextInt(count);
    long[] ids = random.longs(count).toArray();
    List<Span> spans = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      spans.add(span(ids, i, reach, random));
      if (random.nextInt(10) == 0) {
        spans.add(span(ids, random.nextInt(i + 1), reach, random));
      }
    }
    if (random.nextBoolean()) {
      // Spans that never come are missing parents.
      spans.removeIf(span -> random.nextInt(5) == 0);
    }
    return spans;
  }

  private static Span span(long[] ids, int i, int reach, Random random) {
    boolean root = i == 0 ? random.nextBoolean() : random.nextInt(20) == 0;
    if (root) {
      return new Span(ids[i], ids[i], true);
    }
    long parent = i == 0 ? ~ids[0] : ids[i - 1 - random.nextInt(Math.min(i, reach))];
    return new Span(ids[i], parent, false);
  }

  /** Groups by the topmost parent within the batch. */
  private static List<Sub> batched(List<Span> spans, Random random) {
    Map<Long, Span> byId = new LinkedHashMap<>();
    spans.forEach(span -> byId.putIfAbsent(span.id(), span));
    Map<Long, List<Span>> groups = new LinkedHashMap<>();
    for (Span span : spans) {
      Span top = span;
      while (!top.root() && byId.containsKey(top.parent())) {
        top = byId.get(top.parent());
      }
      groups.computeIfAbsent(top.parent(), parent -> new ArrayList<>()).add(span);
    }
    List<Sub> subs = new ArrayList<>();
    groups.forEach(
        (parent, group) ->
            subs.add(
                new Sub(
                    random.nextLong(),
                    parent,
                    group.stream().anyMatch(span -> span.root() && span.id() == parent),
                    random.nextInt(1_000_000),
                    group.stream().mapToLong(Span::id).toArray())));
    return subs;
  }
}

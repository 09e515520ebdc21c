package io.spanfold.buffer.index;

import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.testing.Receipts;
import io.spanfold.testing.Spans;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * Makes up what happens to a trace: shares with parents and spans that have nothing to do with a
 * tree, repeats, and receipts in any order. Ids may look alike, also if they are read across two.
 */
final class TraceHistory {

  private static final long ALIKE = 0x6161616161616161L;

  final TraceKey trace;

  private final Random random;
  private final boolean forgetful;
  private final long[] ids;
  private final int mostSubsegments;
  private final List<TraceShare> added = new ArrayList<>();
  private final Map<Long, Subsegment> filed = new HashMap<>();
  private final Map<Long, long[]> spansOf = new HashMap<>();
  private final Set<Long> subsegmentIds = new HashSet<>();

  /**
   * @param forgetful whether receipts may leave out spans of their subsegments
   * @param mostIds how many ids the trace has at most
   * @param mostSubsegments how many subsegments a share has at most
   */
  TraceHistory(TraceKey trace, Random random, boolean forgetful, int mostIds, int mostSubsegments) {
    this.trace = trace;
    this.random = random;
    this.forgetful = forgetful;
    this.mostSubsegments = mostSubsegments;
    this.ids = random.longs(1 + random.nextInt(mostIds)).toArray();
    switch (random.nextInt(4)) {
      case 0 -> {
        long step = new long[] {1, 0x100, 0x6100, 1L << 56}[random.nextInt(4)];
        long first = random.nextBoolean() ? ALIKE : 1;
        for (int i = 0; i < ids.length; i++) {
          ids[i] = first + i * step;
        }
      }
      case 1 -> {
        // The end of one and the beginning of another are often a third.
        long[] halves = random.longs(2 + random.nextInt(4), 0, 1L << 32).toArray();
        for (int i = 0; i < ids.length; i++) {
          long high = halves[random.nextInt(halves.length)];
          ids[i] = high << 32 | halves[random.nextInt(halves.length)];
        }
      }
      default -> {
        // Random ids.
      }
    }
  }

  static Subsegment subsegment(
      long id, long parent, boolean root, int spans, long bytes, SmallPayload small) {
    return new Subsegment(id, parent, root, spans, bytes, 1, 1, 1, Spans.positions(), small);
  }

  boolean isFinished() {
    return filed.isEmpty();
  }

  /** Returns the next share: a new one, or one again, perhaps with other payloads. */
  TraceShare nextShare() {
    TraceShare share =
        added.isEmpty() || random.nextInt(5) != 0
            ? newShare()
            : again(added.get(random.nextInt(added.size())));
    for (int i = 0; i < share.subsegments().size(); i++) {
      Subsegment subsegment = share.subsegments().get(i);
      filed.put(subsegment.id(), subsegment);
      spansOf.put(subsegment.id(), share.spanIds().get(i));
    }
    added.add(share);
    return share;
  }

  private TraceShare newShare() {
    List<Subsegment> subsegments = new ArrayList<>();
    List<long[]> spanIds = new ArrayList<>();
    int count = 1 + random.nextInt(mostSubsegments);
    for (int i = 0; i < count; i++) {
      long parent = id();
      boolean root = random.nextInt(4) == 0;
      Set<Long> spans = new HashSet<>();
      for (int j = random.nextInt(5); j >= 0; j--) {
        spans.add(id());
      }
      if (root) {
        spans.add(parent);
      }
      List<Long> order = new ArrayList<>(spans);
      Collections.shuffle(order, random);
      if (random.nextInt(20) == 0) {
        order.add(order.get(0));
      }
      long[] all = order.stream().mapToLong(Long::longValue).toArray();
      // Subsegment ids and span ids have nothing to do with each other, but may be equal.
      long id = random.nextInt(20) == 0 ? id() : random.nextLong();
      while (!subsegmentIds.add(id)) {
        id = random.nextLong();
      }
      subsegments.add(subsegment(id, parent, root, all.length, random.nextInt(1 << 20), null));
      spanIds.add(all);
    }
    return withPayload(new TraceShare(trace, new Generation(1, 1), subsegments, spanIds));
  }

  private long id() {
    return ids[random.nextInt(ids.length)];
  }

  private TraceShare again(TraceShare share) {
    return random.nextBoolean() ? share : withPayload(share);
  }

  private TraceShare withPayload(TraceShare share) {
    long payload = random.nextInt(50) == 0 ? 1 + random.nextInt(3) : random.nextLong();
    List<Subsegment> subsegments = new ArrayList<>();
    for (Subsegment each : share.subsegments()) {
      SmallPayload small =
          random.nextInt(6) == 0 ? null : new SmallPayload(payload, 1, 1, random.nextInt(1 << 20));
      subsegments.add(each.stored(1, 1, small));
    }
    return new TraceShare(trace, new Generation(1, 1), subsegments, share.spanIds());
  }

  /** Returns one or two receipts of some of the subsegments that are filed. */
  List<Receipt> nextReceipts() {
    List<Receipt> receipts = new ArrayList<>();
    int count = 1 + random.nextInt(2);
    for (int i = 0; i < count && !filed.isEmpty(); i++) {
      List<Long> order = new ArrayList<>(filed.keySet());
      Collections.shuffle(order, random);
      List<Subsegment> part = new ArrayList<>();
      List<Long> spans = new ArrayList<>();
      for (long id : order.subList(0, 1 + random.nextInt(order.size()))) {
        part.add(filed.remove(id));
        for (long span : spansOf.get(id)) {
          if (!forgetful || random.nextInt(4) != 0) {
            spans.add(span);
          }
        }
      }
      if (random.nextInt(4) == 0) {
        spans.add(id());
      }
      receipts.add(
          Receipts.of(trace, id(), part, spans.stream().mapToLong(Long::longValue).toArray()));
    }
    return receipts;
  }
}

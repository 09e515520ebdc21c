package io.spanfold.buffer.index;

import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.Subsegment;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A model of the index of a trace that keeps whole segments: slow, but plain. It also has what no
 * tree has: cycles, contradicting parents, ids that come twice.
 */
final class IndexModel {

  private final List<Segment> segments = new ArrayList<>();

  /** A segment as the index shows it. */
  record View(
      Set<Long> formerNames,
      Set<Long> spans,
      boolean root,
      Map<Long, SubsegmentRecord> subsegments) {}

  private static final class Segment {
    final LinkedHashSet<Long> names = new LinkedHashSet<>();
    final Set<Long> spans = new TreeSet<>();
    final Map<Long, SubsegmentRecord> subsegments = new TreeMap<>();
    boolean root;

    Segment(long name) {
      names.add(name);
    }

    long name() {
      return names.iterator().next();
    }

    boolean has(long id) {
      return names.contains(id) || spans.contains(id);
    }
  }

  void add(TraceShare share) {
    for (int i = 0; i < share.subsegments().size(); i++) {
      add(share.generation(), share.subsegments().get(i), share.spanIds().get(i));
    }
  }

  private void add(Generation generation, Subsegment subsegment, long[] spans) {
    long parent = subsegment.parentId();
    Segment filedIn = null;
    for (Segment segment : segments) {
      if (segment.subsegments.containsKey(subsegment.id())) {
        filedIn = segment;
      }
    }
    Segment target = filedIn == null ? segmentOf(parent) : filedIn;
    if (target == null) {
      target = new Segment(parent);
      segments.add(target);
    }
    for (long span : spans) {
      Segment segment = segmentOf(span);
      if (segment == null && span != parent) {
        target.spans.add(span);
      } else if (span != parent && segment != target && segment.name() == span && !segment.root) {
        target.names.addAll(segment.names);
        target.spans.addAll(segment.spans);
        target.subsegments.putAll(segment.subsegments);
        segments.remove(segment);
      }
    }
    if (filedIn == null && subsegment.root() && target.name() == parent) {
      target.root = true;
    }
    SmallPayload small = subsegment.small();
    target.subsegments.put(
        subsegment.id(),
        new SubsegmentRecord(
            subsegment.id(),
            small == null ? 0 : small.id(),
            small == null ? 0 : small.offset(),
            subsegment.spanCount(),
            subsegment.recordBytes(),
            generation));
  }

  private Segment segmentOf(long id) {
    return segments.stream().filter(segment -> segment.has(id)).findFirst().orElse(null);
  }

  /** Returns the ids of the receipts' small payloads that are free then. */
  Set<Long> finish(List<Receipt> receipts) {
    Set<Long> free = new TreeSet<>();
    for (Receipt receipt : receipts) {
      for (Subsegment subsegment : receipt.subsegments()) {
        segments.forEach(segment -> segment.subsegments.remove(subsegment.id()));
        if (subsegment.small() != null) {
          free.add(subsegment.small().id());
        }
      }
      for (long span : receipt.spanIds()) {
        segments.forEach(segment -> segment.spans.remove(span));
      }
    }
    for (Segment segment : segments) {
      if (segment.subsegments.isEmpty()) {
        // Ended: only spans that no receipt named still lead to its name.
        long name = segment.name();
        segment.names.clear();
        segment.names.add(name);
        segment.root = false;
      }
      segment.subsegments.values().forEach(each -> free.remove(each.payload()));
    }
    segments.removeIf(segment -> segment.subsegments.isEmpty() && segment.spans.isEmpty());
    if (segments.stream().allMatch(segment -> segment.subsegments.isEmpty())) {
      segments.clear();
    }
    return free;
  }

  Map<Long, View> segments() {
    Map<Long, View> views = new TreeMap<>();
    for (Segment segment : segments) {
      Set<Long> formerNames = new TreeSet<>(segment.names);
      formerNames.remove(segment.name());
      views.put(
          segment.name(),
          new View(
              formerNames,
              new TreeSet<>(segment.spans),
              segment.root,
              new TreeMap<>(segment.subsegments)));
    }
    return views;
  }
}

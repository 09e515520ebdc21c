package io.spanfold.buffer.orphan;

import io.spanfold.buffer.index.LargeRecord;
import io.spanfold.buffer.index.SubsegmentRecord;
import io.spanfold.buffer.index.TraceRecord;
import io.spanfold.buffer.index.TraceRecord.SegmentRecord;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The index of a quarantined trace: its subsegments and the segment of each. Not thread-safe.
 *
 * <p>That of a large trace is gathered field by field, because it may have a million spans; only
 * the redirects that lead to payloads are needed.
 */
final class OrphanedIndex {

  private final Map<Long, SubsegmentRecord> subsegments = new LinkedHashMap<>();

  /** The segments that the subsegments were filed under, by their names at that time. */
  private final Map<Long, Long> filedUnder = new HashMap<>();

  private final Set<Long> segments = new LinkedHashSet<>();

  /** Redirects of names of segments, not of all spans. */
  private final Map<Long, Long> redirects = new HashMap<>();

  private final Set<Long> unread = new LinkedHashSet<>();

  private final boolean large;

  private boolean merged;

  OrphanedIndex(boolean large) {
    this.large = large;
  }

  /** Returns the index that a record holds; that of a large trace still lacks all fields. */
  static OrphanedIndex of(TraceRecord record) {
    OrphanedIndex index = new OrphanedIndex(record.large());
    for (SegmentRecord segment : record.segments()) {
      index.segments.add(segment.name());
      for (SubsegmentRecord subsegment : segment.subsegments()) {
        index.add(segment.name(), subsegment);
      }
    }
    return index;
  }

  /** Adds a field of the record of a large trace. A field may come twice. */
  void field(byte[] name, byte[] value) {
    LargeRecord.visit(name, value, new Fields());
  }

  private final class Fields implements LargeRecord.Visitor {

    @Override
    public void subsegment(long segment, SubsegmentRecord subsegment) {
      add(segment, subsegment);
      unread.add(segment);
    }

    @Override
    public void segment(long id, long count, long spans, long bytes, boolean hasRoot) {
      segments.add(id);
    }

    @Override
    public void merged() {
      merged = true;
    }
  }

  private void add(long segment, SubsegmentRecord subsegment) {
    subsegments.put(subsegment.id(), subsegment);
    filedUnder.put(subsegment.id(), segment);
  }

  /** Returns names whose redirects must be read; to be called after all fields are added. */
  List<Long> unread() {
    unread.removeAll(segments);
    return List.copyOf(unread);
  }

  /** Adds a redirect; null if there is none. */
  void redirect(long name, Long to) {
    long next = to == null ? name : to;
    redirects.put(name, next);
    unread.remove(name);
    if (!redirects.containsKey(next)) {
      unread.add(next);
    }
  }

  /** Returns whether the trace has a record of its own. */
  boolean isLarge() {
    return large;
  }

  Collection<SubsegmentRecord> subsegments() {
    return subsegments.values();
  }

  /** Returns the current segment of a subsegment. */
  long segmentOf(long subsegment) {
    return end(filedUnder.get(subsegment));
  }

  /** Returns how many segments have subsegments. */
  int segmentCount() {
    return (int) subsegments.keySet().stream().map(this::segmentOf).distinct().count();
  }

  /** Returns the segments that may have merged payloads. */
  List<Long> segmentsWithMergedPayloads() {
    return merged ? new ArrayList<>(segments) : List.of();
  }

  /** A cycle, which only contradicting records make, ends at its lowest id. */
  private long end(long name) {
    Set<Long> passed = new LinkedHashSet<>();
    long at = name;
    while (passed.add(at) && next(at) != at) {
      at = next(at);
    }
    long end = at;
    for (long id = next(at); id != at; id = next(id)) {
      end = Math.min(end, id);
    }
    for (long id : passed) {
      redirects.put(id, end);
    }
    return end;
  }

  private long next(long name) {
    return redirects.getOrDefault(name, name);
  }
}

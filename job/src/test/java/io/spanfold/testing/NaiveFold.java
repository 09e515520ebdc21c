package io.spanfold.testing;

import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The rules of the fold in their plainest form, span by span, with sets that are searched linearly.
 */
public final class NaiveFold {

  /** A flushed part. */
  public record Flushed(long segmentId, int number, Set<Span> spans) {}

  public final List<Flushed> flushed = new ArrayList<>();
  public int duplicates;

  private final FoldSettings settings;
  private final List<Segment> segments = new ArrayList<>();

  public NaiveFold(FoldSettings settings) {
    this.settings = settings;
  }

  private static final class Segment {
    long name;
    boolean rootKnown;
    int nextPart;
    long rememberUntil = Long.MIN_VALUE;
    final Set<Long> ids = new HashSet<>();
    final Set<Long> seen = new HashSet<>();
    final List<Span> open = new ArrayList<>();
  }

  public void add(Span span) {
    Segment own = find(span.spanId(), span.timestamp());
    if (own != null && own.seen.contains(span.spanId())) {
      duplicates++;
      return;
    }
    Segment above = find(span.parentId(), span.timestamp());
    if (above == null) {
      above = make(span.parentId());
    }
    if (own != null && own != above) {
      above.ids.addAll(own.ids);
      above.seen.addAll(own.seen);
      above.open.addAll(own.open);
      above.rememberUntil = Math.max(above.rememberUntil, own.rememberUntil);
      segments.remove(own);
    }
    above.ids.add(span.spanId());
    above.seen.add(span.spanId());
    above.open.add(span);
    above.rootKnown |= span.root();
  }

  public void end() {
    for (Segment segment : segments) {
      flush(segment);
    }
  }

  private Segment make(long name) {
    Segment segment = new Segment();
    segment.name = name;
    segment.ids.add(name);
    segments.add(segment);
    return segment;
  }

  private Segment find(long id, long now) {
    for (Segment segment : List.copyOf(segments)) {
      if (segment.ids.contains(id)) {
        if (!segment.open.isEmpty() && deadline(segment) < now) {
          flush(segment);
        }
        if (segment.open.isEmpty() && segment.rememberUntil < now) {
          segments.remove(segment);
          return null;
        }
        return segment;
      }
    }
    return null;
  }

  private long deadline(Segment segment) {
    long first = segment.open.stream().mapToLong(Span::timestamp).min().orElseThrow();
    long last = segment.open.stream().mapToLong(Span::timestamp).max().orElseThrow();
    long timeout = segment.rootKnown ? settings.rootTimeout() : settings.timeout();
    return Math.min(last + timeout, first + settings.maxAge());
  }

  private void flush(Segment segment) {
    if (!segment.open.isEmpty()) {
      segment.rememberUntil =
          Math.max(segment.rememberUntil, deadline(segment) + settings.lateGrace());
      flushed.add(new Flushed(segment.name, segment.nextPart++, Set.copyOf(segment.open)));
      segment.open.clear();
    }
  }
}

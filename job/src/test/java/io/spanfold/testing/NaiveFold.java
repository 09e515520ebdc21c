package io.spanfold.testing;

import io.spanfold.core.fold.FoldSettings;
import io.spanfold.core.model.Span;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The rules of the fold in their plainest form, span by span, with sets that are searched linearly.
 * Without a clock no span is late.
 */
public final class NaiveFold {

  /** A flushed part. */
  public record Flushed(long segmentId, int number, Set<Span> spans) {}

  public final List<Flushed> flushed = new ArrayList<>();
  public int duplicates;

  private final FoldSettings settings;
  private final List<Segment> segments = new ArrayList<>();
  private long clock = Long.MIN_VALUE;

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
    final List<Timed> open = new ArrayList<>();
  }

  /** A span and the time that it counts as sent at. */
  private record Timed(Span span, long time) {}

  /** Flushes and forgets all whose time has come. */
  public void advanceTo(long time) {
    clock = time;
    for (Segment segment : List.copyOf(segments)) {
      if (!segment.open.isEmpty() && deadline(segment) <= clock) {
        flush(segment);
      }
      if (segment.open.isEmpty() && segment.rememberUntil <= clock) {
        segments.remove(segment);
      }
    }
  }

  public void add(Span span) {
    long shortest =
        Math.min(settings.maxAge(), Math.min(settings.timeout(), settings.rootTimeout()));
    boolean late = span.timestamp() + shortest <= clock;
    add(span, late ? clock : span.timestamp());
  }

  private void add(Span span, long time) {
    Segment own = find(span.spanId(), time);
    if (own != null && own.seen.contains(span.spanId())) {
      duplicates++;
      return;
    }
    Segment above = find(span.parentId(), time);
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
    above.open.add(new Timed(span, time));
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
    long first = segment.open.stream().mapToLong(Timed::time).min().orElseThrow();
    long last = segment.open.stream().mapToLong(Timed::time).max().orElseThrow();
    long timeout = segment.rootKnown ? settings.rootTimeout() : settings.timeout();
    return Math.min(last + timeout, Math.max(last, first + settings.maxAge()));
  }

  private void flush(Segment segment) {
    if (!segment.open.isEmpty()) {
      segment.rememberUntil =
          Math.max(segment.rememberUntil, deadline(segment) + settings.lateGrace());
      Set<Span> spans = segment.open.stream().map(Timed::span).collect(Collectors.toSet());
      flushed.add(new Flushed(segment.name, segment.nextPart++, spans));
      segment.open.clear();
    }
  }
}

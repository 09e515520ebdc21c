package io.spanfold.reference;

import io.spanfold.core.model.Span;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Divides the spans of a complete trace into segments. */
final class Segments {

  private Segments() {}

  /**
   * Returns the segments of {@code spans}, each with the span or the missing parent that names it
   * as the topmost.
   */
  static List<List<Span>> of(List<Span> spans) {
    Map<Long, Long> parents = new HashMap<>();
    for (Span span : spans) {
      parents.put(span.spanId(), span.parentId());
    }
    Map<Long, List<Span>> segments = new LinkedHashMap<>();
    for (Span span : spans) {
      long top = topmost(span.spanId(), parents);
      segments.computeIfAbsent(top, id -> new ArrayList<>()).add(span);
    }
    return List.copyOf(segments.values());
  }

  /** Follows the parents to the topmost id and returns it; compresses the path for later calls. */
  static long topmost(long spanId, Map<Long, Long> parents) {
    long top = spanId;
    int steps = 0;
    for (Long above = parents.get(top);
        above != null && above != top && steps <= parents.size();
        above = parents.get(top)) {
      top = above;
      steps++;
    }
    long at = spanId;
    while (at != top && steps-- > 0) {
      long above = parents.put(at, top);
      at = above;
    }
    return top;
  }
}

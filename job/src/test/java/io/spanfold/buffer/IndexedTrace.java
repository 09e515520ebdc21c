package io.spanfold.buffer;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The tree of a trace: keeps every subsegment in the order of arrival, and finds roots by following
 * parents. For traces without cycles.
 */
public final class IndexedTrace {

  private final Map<Long, Sub> arrived = new LinkedHashMap<>();

  /** A subsegment. */
  public record Sub(long id, long parent, boolean root, long bytes, long[] spans) {}

  public void add(Collection<Sub> subs) {
    subs.forEach(sub -> arrived.putIfAbsent(sub.id(), sub));
  }

  public long rootOf(Sub sub) {
    return ups().rootOf(sub.parent());
  }

  public List<Sub> subs() {
    return new ArrayList<>(arrived.values());
  }

  private Ups ups() {
    Ups ups = new Ups();
    for (Sub sub : arrived.values()) {
      for (long span : sub.spans()) {
        boolean isRoot = sub.root() && span == sub.parent();
        ups.up.putIfAbsent(span, isRoot ? span : sub.parent());
      }
    }
    return ups;
  }

  private static final class Ups {
    final Map<Long, Long> up = new HashMap<>();

    long rootOf(long id) {
      long at = id;
      while (up.containsKey(at) && up.get(at) != at) {
        at = up.get(at);
      }
      return at;
    }
  }
}

package io.spanfold.buffer;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A model of the index of a trace: keeps every subsegment in the order of arrival, and computes
 * everything else by following parents. For traces without cycles.
 */
public final class IndexedTrace {

  private final Map<Long, Sub> arrived = new LinkedHashMap<>();

  /** A subsegment. */
  public record Sub(long id, long parent, boolean root, long bytes, long[] spans) {}

  /** What add-subsegments answers for a subsegment: its segment, and whether its root is known. */
  record Answer(long root, boolean hasRoot) {}

  /** A segment as the index shows it: ids are written in hexadecimal. */
  record Segment(Set<String> members, long spans, long bytes, boolean hasRoot) {}

  public void add(Collection<Sub> subs) {
    subs.forEach(sub -> arrived.putIfAbsent(sub.id(), sub));
  }

  List<Answer> answer(Collection<Sub> subs) {
    Ups ups = ups();
    List<Answer> answer = new ArrayList<>();
    for (Sub sub : subs) {
      long root = ups.rootOf(sub.parent());
      answer.add(new Answer(root, ups.roots.contains(root)));
    }
    return answer;
  }

  Map<String, Segment> segments() {
    Ups ups = ups();
    Map<String, Segment> segments = new TreeMap<>();
    for (Sub sub : arrived.values()) {
      long root = ups.rootOf(sub.parent());
      segments.merge(
          hex(root),
          new Segment(
              new TreeSet<>(Set.of(hex(sub.id()))),
              sub.spans().length,
              sub.bytes(),
              ups.roots.contains(root)),
          IndexedTrace::merged);
    }
    return segments;
  }

  public long rootOf(Sub sub) {
    return ups().rootOf(sub.parent());
  }

  public List<Sub> subs() {
    return new ArrayList<>(arrived.values());
  }

  static String hex(long id) {
    return String.format("%016x", id);
  }

  private static Segment merged(Segment a, Segment b) {
    Set<String> members = new TreeSet<>(a.members());
    members.addAll(b.members());
    return new Segment(
        members, a.spans() + b.spans(), a.bytes() + b.bytes(), a.hasRoot() || b.hasRoot());
  }

  private Ups ups() {
    Ups ups = new Ups();
    for (Sub sub : arrived.values()) {
      for (long span : sub.spans()) {
        boolean isRoot = sub.root() && span == sub.parent();
        if (ups.up.putIfAbsent(span, isRoot ? span : sub.parent()) == null && isRoot) {
          ups.roots.add(span);
        }
      }
    }
    return ups;
  }

  private static final class Ups {
    final Map<Long, Long> up = new HashMap<>();
    final Set<Long> roots = new HashSet<>();

    long rootOf(long id) {
      long at = id;
      while (up.containsKey(at) && up.get(at) != at) {
        at = up.get(at);
      }
      return at;
    }
  }
}

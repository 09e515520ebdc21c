package io.spanfold.buffer.orphan;

import io.spanfold.core.encoding.Hex;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the index tells of a trace that was set aside: its subsegments, and which segment each is
 * of. Filled by {@link OrphanedIndexReader}. Not safe for concurrent use.
 */
final class OrphanedIndex {

  /** What the names of the fields begin with that are of use here. */
  static final String FIELDS = "[ms]*";

  /** A letter and an id. */
  private static final int NAME_LENGTH = 17;

  private static final String MERGED = "merged";

  /** Subsegments, and the segments that they were filed under, by the names these had then. */
  private final Map<Long, Long> filedUnder = new LinkedHashMap<>();

  private final Set<Long> segments = new LinkedHashSet<>();

  /** Of names of segments, not of all spans. */
  private final Map<Long, Long> redirects = new HashMap<>();

  private final Set<Long> unread = new LinkedHashSet<>();

  private boolean merged;

  /** Takes a field of the index; the same may come twice, and others are passed over. */
  void field(String name, String value) {
    if (name.equals(MERGED)) {
      merged = true;
    } else if (name.length() == NAME_LENGTH && name.charAt(0) == 's') {
      segments.add(Hex.parseId(name.substring(1)));
    } else if (name.length() == NAME_LENGTH && name.charAt(0) == 'm') {
      long segment = Hex.parseId(value);
      filedUnder.put(Hex.parseId(name.substring(1)), segment);
      unread.add(segment);
    }
  }

  /** Returns names whose redirects are to be read; to be asked when all fields have come. */
  List<Long> unread() {
    unread.removeAll(segments);
    return List.copyOf(unread);
  }

  /** Takes a redirect; null where there is none. */
  void redirect(long name, String to) {
    long next = to == null ? name : Hex.parseId(to);
    redirects.put(name, next);
    unread.remove(name);
    if (!redirects.containsKey(next)) {
      unread.add(next);
    }
  }

  /** Returns all subsegments. */
  Collection<Long> subsegments() {
    return filedUnder.keySet();
  }

  /** Returns the segment that a subsegment is of, by its name of now. */
  long segmentOf(long subsegment) {
    return end(filedUnder.get(subsegment));
  }

  /** Returns the segments that may have merged payloads. */
  Collection<Long> segmentsWithMergedPayloads() {
    return merged ? segments : List.of();
  }

  /** Of a circle, which only records that contradict each other make, the lowest id is the end. */
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

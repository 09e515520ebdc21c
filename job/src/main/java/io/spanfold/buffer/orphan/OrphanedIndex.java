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
 * The index of a quarantined trace: its subsegments and the segment of each. {@link
 * OrphanedIndexReader} fills it. Not thread-safe.
 */
final class OrphanedIndex {

  /** A pattern of the fields that are used here. */
  static final String FIELDS = "[ms]*";

  /** A letter and an id. */
  private static final int NAME_LENGTH = 17;

  private static final String MERGED = "merged";

  /** Subsegments, and the segments that they were filed under by their names at that time. */
  private final Map<Long, Long> filedUnder = new LinkedHashMap<>();

  private final Set<Long> segments = new LinkedHashSet<>();

  /** Redirects of names of segments, not of all spans. */
  private final Map<Long, Long> redirects = new HashMap<>();

  private final Set<Long> unread = new LinkedHashSet<>();

  private boolean merged;

  /** Adds a field of the index. A field may come twice; irrelevant fields are ignored. */
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

  /** Returns names whose redirects must be read; to be called after all fields are added. */
  List<Long> unread() {
    unread.removeAll(segments);
    return List.copyOf(unread);
  }

  /** Adds a redirect; null if there is none. */
  void redirect(long name, String to) {
    long next = to == null ? name : Hex.parseId(to);
    redirects.put(name, next);
    unread.remove(name);
    if (!redirects.containsKey(next)) {
      unread.add(next);
    }
  }

  Collection<Long> subsegments() {
    return filedUnder.keySet();
  }

  /** Returns the current segment of a subsegment. */
  long segmentOf(long subsegment) {
    return end(filedUnder.get(subsegment));
  }

  /** Returns the segments that may have merged payloads. */
  Collection<Long> segmentsWithMergedPayloads() {
    return merged ? segments : List.of();
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

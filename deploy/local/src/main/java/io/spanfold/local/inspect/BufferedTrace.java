package io.spanfold.local.inspect;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import redis.clients.jedis.HostAndPort;

/**
 * What a buffer holds of a trace, as it was found; filled by {@link TraceReader}. What was set
 * aside of a trace is apart from the trace itself.
 */
final class BufferedTrace {

  private static final int ID_DIGITS = 16;

  /** {@code project:trace}. */
  final String trace;

  /** Null for the trace itself; else which of those that were set aside. */
  final String round;

  /** Where the index, the small and the merged payloads are. */
  final HostAndPort node;

  /** When the index ends by TTL; null where it never does, or there is none. */
  Duration left;

  /** How many subsegments the index counts; null where it does not. */
  String counted;

  final SortedMap<String, Segment> segments = new TreeMap<>();

  /** Small payloads by subsegment. */
  final Map<String, Payload> small = new TreeMap<>();

  /** Distributed payloads by subsegment: those that the index names, and others of the trace. */
  final SortedMap<String, Payload> distributed = new TreeMap<>();

  private final Map<String, String> redirects = new HashMap<>();
  private final Map<String, String> filedUnder = new HashMap<>();
  private final Set<String> formerNames = new HashSet<>();

  BufferedTrace(String trace, String round, HostAndPort node) {
    this.trace = trace;
    this.round = round;
    this.node = node;
  }

  Segment segment(String id) {
    return segments.computeIfAbsent(id, any -> new Segment());
  }

  /** Returns how many redirects the index has. */
  int redirects() {
    return redirects.size();
  }

  /** Returns whether the index names a subsegment. */
  boolean names(String subsegment) {
    return filedUnder.containsKey(subsegment);
  }

  /** Takes a field of the index; the same may come twice. */
  void field(String name, String value) {
    if (name.equals("subsegments")) {
      counted = value;
    } else if (name.length() == ID_DIGITS) {
      redirects.put(name, value);
    } else if (name.length() == ID_DIGITS + 1) {
      String id = name.substring(1);
      switch (name.charAt(0)) {
        case 'm' -> filedUnder.put(id, value);
        case 'n' -> formerNames.add(id);
        case 's' -> segment(id).summary = Summary.of(value);
        default -> {
          // Of no form that is known here.
        }
      }
    }
  }

  /** Puts subsegments and names where they belong; to be called when all fields have come. */
  void arrange() {
    filedUnder.forEach((subsegment, name) -> segment(end(name)).subsegments.add(subsegment));
    formerNames.forEach(name -> segment(end(name)).formerNames.add(name));
  }

  private String end(String name) {
    Set<String> passed = new HashSet<>();
    String at = name;
    while (passed.add(at)) {
      at = redirects.getOrDefault(at, at);
    }
    for (String id : passed) {
      redirects.replace(id, at);
    }
    return at;
  }

  /** What is found of a segment. */
  static final class Segment {

    /** Null where the index has none. */
    Summary summary;

    String lock;
    Duration lockLeft;
    final TreeSet<String> subsegments = new TreeSet<>();
    final TreeSet<String> formerNames = new TreeSet<>();

    /** Merged payloads by subsegment. */
    final Map<String, Payload> merged = new TreeMap<>();
  }

  /**
   * What the index tells of a segment.
   *
   * @param spans how many spans
   * @param bytes length of their records
   * @param hasRoot whether it is that of a known segment root
   */
  record Summary(String spans, String bytes, boolean hasRoot) {

    private static final int PARTS = 4;

    /** Returns null where it is of no form that is known here. */
    static Summary of(String field) {
      String[] parts = field.split(" ", -1);
      return parts.length < PARTS ? null : new Summary(parts[1], parts[2], parts[3].equals("1"));
    }
  }

  /**
   * A payload.
   *
   * @param storedBytes its length in Redis
   * @param unpackedBytes its length when unpacked; -1 where it does not have the known form
   * @param left when it ends by TTL; null where it never does, or what it is part of does
   * @param node where it is
   */
  record Payload(long storedBytes, long unpackedBytes, Duration left, HostAndPort node) {}
}

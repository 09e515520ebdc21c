package io.spanfold.local.buffer;

import java.time.Duration;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import redis.clients.jedis.HostAndPort;

/** What a buffer holds of a trace, as it was found; filled by {@link TraceReader}. */
final class BufferedTrace {

  /** {@code project:trace}. */
  final String trace;

  /** Where the index and the merged payloads are. */
  final HostAndPort node;

  /** Fields of the redirects; 0 where there are none. */
  long redirects;

  /** How many subsegments the redirects count; null where they do not. */
  String counted;

  final SortedMap<String, Segment> segments = new TreeMap<>();

  /** Distributed payloads by subsegment. */
  final SortedMap<String, Payload> payloads = new TreeMap<>();

  BufferedTrace(String trace, HostAndPort node) {
    this.trace = trace;
    this.node = node;
  }

  Segment segment(String id) {
    return segments.computeIfAbsent(id, any -> new Segment());
  }

  /** What is found of a segment. */
  static final class Segment {

    boolean hasRoot;
    String spans;
    String bytes;
    String lock;
    Duration lockLeft;
    Duration left;
    final TreeSet<String> subsegments = new TreeSet<>();
    final TreeSet<String> formerNames = new TreeSet<>();

    /** Merged payloads by subsegment. */
    final Map<String, Payload> merged = new TreeMap<>();
  }

  /**
   * A payload.
   *
   * @param storedBytes its length in Redis
   * @param unpackedBytes its length when unpacked; -1 where it does not have the known form
   * @param left when it ends by TTL; null where it never does, or its set does
   * @param node where it is
   */
  record Payload(long storedBytes, long unpackedBytes, Duration left, HostAndPort node) {}
}

package io.spanfold.buffer.inspect;

import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import redis.clients.jedis.HostAndPort;

/**
 * The contents of a buffer for a trace, or for a quarantined leftover of it. Filled by {@link
 * TraceReader}. Not thread-safe.
 */
public final class BufferedTrace {

  private static final int ID_DIGITS = 16;

  private final String trace;
  private final String round;
  private final HostAndPort node;
  private final SortedMap<String, Segment> segments = new TreeMap<>();
  private final SortedMap<String, Payload> small = new TreeMap<>();
  private final SortedMap<String, Payload> distributed = new TreeMap<>();
  private final Map<String, String> redirects = new HashMap<>();
  private final Map<String, String> filedUnder = new HashMap<>();
  private final Set<String> formerNames = new HashSet<>();
  private Duration ttl;
  private String subsegments;

  BufferedTrace(String trace, String round, HostAndPort node) {
    this.trace = trace;
    this.round = round;
    this.node = node;
  }

  /** Returns {@code project:trace}. */
  public String trace() {
    return trace;
  }

  /** Returns the number of the quarantined leftover; empty for the trace itself. */
  public Optional<String> round() {
    return Optional.ofNullable(round);
  }

  /** Returns the node of the index, the small and the merged payloads. */
  public HostAndPort node() {
    return node;
  }

  /** Returns the TTL of the index; empty if it has none, or there is no index. */
  public Optional<Duration> ttl() {
    return Optional.ofNullable(ttl);
  }

  /** Returns the number of subsegments that the index contains; empty if it does not say. */
  public Optional<String> subsegments() {
    return Optional.ofNullable(subsegments);
  }

  /** Returns the number of redirects in the index. */
  public int redirects() {
    return redirects.size();
  }

  /** Returns the segments by id. */
  public SortedMap<String, Segment> segments() {
    return Collections.unmodifiableSortedMap(segments);
  }

  /** Returns the small payloads by subsegment. */
  public SortedMap<String, Payload> small() {
    return Collections.unmodifiableSortedMap(small);
  }

  /** Returns the distributed payloads by subsegment. */
  public SortedMap<String, Payload> distributed() {
    return Collections.unmodifiableSortedMap(distributed);
  }

  /** Returns whether the index contains a subsegment. */
  boolean contains(String subsegment) {
    return filedUnder.containsKey(subsegment);
  }

  void setTtl(Duration left) {
    ttl = left;
  }

  void addSmall(String subsegment, Payload payload) {
    small.put(subsegment, payload);
  }

  void addDistributed(String subsegment, Payload payload) {
    distributed.put(subsegment, payload);
  }

  void addMerged(String segment, String subsegment, Payload payload) {
    segment(segment).merged.put(subsegment, payload);
  }

  void setLock(String segment, String owner, Duration left) {
    segment(segment).lock = owner;
    segment(segment).lockTtl = left;
  }

  /** Adds a field of the index; may be repeated. Unknown fields are ignored. */
  void addField(String name, String value) {
    if (name.equals("subsegments")) {
      subsegments = value;
    } else if (name.length() == ID_DIGITS) {
      redirects.put(name, value);
    } else if (name.length() == ID_DIGITS + 1) {
      String id = name.substring(1);
      switch (name.charAt(0)) {
        case 'm' -> filedUnder.put(id, value);
        case 'n' -> formerNames.add(id);
        case 's' -> segment(id).summary = Summary.parse(value).orElse(null);
        default -> {
          // A field of a newer version.
        }
      }
    }
  }

  /** Assigns subsegments and former names to their segments, after the last field. */
  void resolve() {
    filedUnder.forEach((subsegment, name) -> segment(end(name)).subsegments.add(subsegment));
    formerNames.forEach(name -> segment(end(name)).formerNames.add(name));
  }

  private Segment segment(String id) {
    return segments.computeIfAbsent(id, any -> new Segment());
  }

  /** Follows redirects to their end, and shortens them for the next call. */
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

  /** A segment of the trace. */
  public static final class Segment {

    private final SortedSet<String> subsegments = new TreeSet<>();
    private final SortedSet<String> formerNames = new TreeSet<>();
    private final SortedMap<String, Payload> merged = new TreeMap<>();
    private Summary summary;
    private String lock;
    private Duration lockTtl;

    /** Returns its summary; empty if the index has none. */
    public Optional<Summary> summary() {
      return Optional.ofNullable(summary);
    }

    /** Returns the owner of its flush lock; empty for none. */
    public Optional<String> lock() {
      return Optional.ofNullable(lock);
    }

    /** Returns the TTL of its flush lock; empty for none. */
    public Optional<Duration> lockTtl() {
      return Optional.ofNullable(lockTtl);
    }

    /** Returns its subsegments in the index. */
    public SortedSet<String> subsegments() {
      return Collections.unmodifiableSortedSet(subsegments);
    }

    /** Returns the ids that it had before. */
    public SortedSet<String> formerNames() {
      return Collections.unmodifiableSortedSet(formerNames);
    }

    /** Returns its merged payloads by subsegment. */
    public SortedMap<String, Payload> merged() {
      return Collections.unmodifiableSortedMap(merged);
    }
  }

  /**
   * A segment's summary in the index.
   *
   * @param spans the number of spans
   * @param bytes the length of their records
   * @param hasRoot whether its root is known
   */
  public record Summary(String spans, String bytes, boolean hasRoot) {

    private static final int PARTS = 4;

    private static Optional<Summary> parse(String field) {
      String[] parts = field.split(" ", -1);
      return parts.length < PARTS
          ? Optional.empty()
          : Optional.of(new Summary(parts[1], parts[2], parts[3].equals("1")));
    }
  }

  /**
   * A payload.
   *
   * @param storedBytes its length in Redis
   * @param unpackedBytes its length before compression; -1 if it has an unknown form
   * @param ttl null if it has none, or is a part of a larger key
   * @param node where it is
   */
  public record Payload(long storedBytes, long unpackedBytes, Duration ttl, HostAndPort node) {}
}

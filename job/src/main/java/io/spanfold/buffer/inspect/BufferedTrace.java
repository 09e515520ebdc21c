package io.spanfold.buffer.inspect;

import io.spanfold.buffer.index.LargeRecord;
import io.spanfold.buffer.index.SubsegmentRecord;
import io.spanfold.buffer.index.TraceRecord;
import io.spanfold.buffer.index.TraceRecord.SegmentRecord;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.TraceKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import redis.clients.jedis.HostAndPort;

/**
 * The contents of a buffer for a trace, or for a quarantined leftover of it. Filled by {@link
 * TraceReader}. Ids are 16 hexadecimal digits. Not thread-safe.
 */
public final class BufferedTrace {

  private final TraceKey trace;
  private final OptionalInt round;
  private final String bucket;
  private final HostAndPort node;
  private final SortedMap<String, Segment> segments = new TreeMap<>();
  private final SortedMap<String, Payload> distributed = new TreeMap<>();
  private final Map<String, String> redirects = new HashMap<>();
  private final Map<String, SubsegmentRecord> subsegments = new HashMap<>();
  private final Map<String, String> filedUnder = new HashMap<>();
  private final Set<String> formerNames = new HashSet<>();
  private Instant lastWrite;
  private boolean large;
  private Lock lock;

  BufferedTrace(TraceKey trace, OptionalInt round, String bucket, HostAndPort node) {
    this.trace = trace;
    this.round = round;
    this.bucket = bucket;
    this.node = node;
  }

  public TraceKey trace() {
    return trace;
  }

  /** Returns the number of the quarantined leftover; empty for the trace itself. */
  public OptionalInt round() {
    return round;
  }

  /** Returns the hash tag of its bucket; null if only distributed payloads are left of it. */
  public String bucket() {
    return bucket;
  }

  /** Returns the node of its bucket, or of its distributed payloads if only these are left. */
  public HostAndPort node() {
    return node;
  }

  /** Returns when it was written last, by the writer's clock; empty if no record says so. */
  public Optional<Instant> lastWrite() {
    return Optional.ofNullable(lastWrite);
  }

  /** Returns whether it has a record of its own. */
  public boolean isLarge() {
    return large;
  }

  /** Returns the flush lock of its bucket; empty for none, and for a quarantined trace. */
  public Optional<Lock> lock() {
    return Optional.ofNullable(lock);
  }

  /** Returns the number of subsegments that the index contains. */
  public int subsegmentCount() {
    return subsegments.size();
  }

  /** Returns the number of span ids and names that the index contains. */
  public int idCount() {
    return redirects.size();
  }

  /** Returns the segments by id. */
  public SortedMap<String, Segment> segments() {
    return Collections.unmodifiableSortedMap(segments);
  }

  /** Returns the distributed payloads by subsegment. */
  public SortedMap<String, Payload> distributed() {
    return Collections.unmodifiableSortedMap(distributed);
  }

  /** Returns whether the index contains a subsegment. */
  boolean contains(String subsegment) {
    return subsegments.containsKey(subsegment);
  }

  /** Returns the ids of the small payloads that hold its subsegments. */
  Set<Long> smallPayloads() {
    Set<Long> ids = new HashSet<>();
    subsegments.values().stream()
        .filter(SubsegmentRecord::isSmall)
        .forEach(subsegment -> ids.add(subsegment.payload()));
    return ids;
  }

  void setLock(Lock of) {
    lock = of;
  }

  void addDistributed(String subsegment, Payload payload) {
    distributed.put(subsegment, payload);
  }

  void addMerged(String segment, String subsegment, Payload payload) {
    segment(segment).merged.put(subsegment, payload);
  }

  /** Adds a small payload, for all subsegments that it holds; after the last field. */
  void addSmall(long id, Payload payload) {
    segments
        .values()
        .forEach(
            segment ->
                segment.subsegments.forEach(
                    (name, subsegment) -> {
                      if (subsegment.isSmall() && subsegment.payload() == id) {
                        segment.small.put(name, payload);
                      }
                    }));
  }

  /** Adds its record, except what {@link #addField} adds of a large trace. */
  void addRecord(TraceRecord record) {
    lastWrite = Instant.ofEpochSecond(record.seconds());
    large |= record.large();
    for (SegmentRecord each : record.segments()) {
      String name = Hex.id(each.name());
      redirects.put(name, name);
      each.spanIds().forEach(id -> redirects.put(Hex.id(id), name));
      each.formerNames()
          .forEach(
              id -> {
                redirects.put(Hex.id(id), name);
                formerNames.add(Hex.id(id));
              });
      long spans = 0;
      long bytes = 0;
      for (SubsegmentRecord subsegment : each.subsegments()) {
        add(name, subsegment);
        spans += subsegment.spans();
        bytes += subsegment.recordBytes();
      }
      segment(name).summary = new Summary(spans, bytes, each.hasRoot());
    }
  }

  /** Adds a field of the record of a large trace; may be repeated. */
  void addField(byte[] name, byte[] value) {
    large = true;
    LargeRecord.visit(
        name,
        value,
        new LargeRecord.Visitor() {
          @Override
          public void redirect(long id, long to) {
            redirects.put(Hex.id(id), Hex.id(to));
          }

          @Override
          public void subsegment(long segment, SubsegmentRecord subsegment) {
            add(Hex.id(segment), subsegment);
          }

          @Override
          public void segment(long id, long count, long spans, long bytes, boolean hasRoot) {
            BufferedTrace.this.segment(Hex.id(id)).summary = new Summary(spans, bytes, hasRoot);
          }

          @Override
          public void formerName(long formerName) {
            formerNames.add(Hex.id(formerName));
          }
        });
  }

  private void add(String segment, SubsegmentRecord subsegment) {
    String id = Hex.id(subsegment.id());
    subsegments.put(id, subsegment);
    filedUnder.put(id, segment);
  }

  /** Assigns subsegments and former names to their segments, after the last field. */
  void resolve() {
    filedUnder.forEach((id, name) -> segment(end(name)).subsegments.put(id, subsegments.get(id)));
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

    private final SortedMap<String, SubsegmentRecord> subsegments = new TreeMap<>();
    private final SortedSet<String> formerNames = new TreeSet<>();
    private final SortedMap<String, Payload> small = new TreeMap<>();
    private final SortedMap<String, Payload> merged = new TreeMap<>();
    private Summary summary;

    /** Returns its summary; empty if the index has none. */
    public Optional<Summary> summary() {
      return Optional.ofNullable(summary);
    }

    /** Returns its subsegments in the index. */
    public SortedMap<String, SubsegmentRecord> subsegments() {
      return Collections.unmodifiableSortedMap(subsegments);
    }

    /** Returns the ids that it had before. */
    public SortedSet<String> formerNames() {
      return Collections.unmodifiableSortedSet(formerNames);
    }

    /** Returns the small payloads by subsegment; several subsegments share one. */
    public SortedMap<String, Payload> small() {
      return Collections.unmodifiableSortedMap(small);
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
  public record Summary(long spans, long bytes, boolean hasRoot) {}

  /**
   * A flush lock.
   *
   * @param owner job and epoch
   * @param ttl how long it lasts
   */
  public record Lock(String owner, Duration ttl) {}

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

package io.spanfold.buffer;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.TraceKey;
import java.util.List;

/** The names of all keys in Redis. What each holds is told by the README beside the scripts. */
final class RedisKeys {

  /** What every key of the buffer starts with. */
  static final String PREFIX = "span-buf:";

  /** The lease: one for all that a Redis holds. */
  static final String LEASE = PREFIX + "lease";

  /** What keys of traces' indexes start with. */
  static final String ALL_INDEXES = PREFIX + "ssr:";

  /** The same, of those that were set aside. */
  static final String ALL_ASIDE = PREFIX + "ad:ssr:";

  /** Which compression dictionary is the current one. */
  static final String CURRENT_DICTIONARY = PREFIX + "dict";

  /** Hash tags in three parts of the slots: with three masters or more, each with another. */
  private static final List<String> COPIES = List.of("a", "b", "c");

  private RedisKeys() {}

  /**
   * Returns the keys of a compression dictionary, each of which holds all of it: payloads on every
   * node cannot be read without, so it must not be lost with one.
   */
  static List<String> dictionary(int id) {
    return COPIES.stream()
        .map(copy -> "%s:%08x:{%s}".formatted(CURRENT_DICTIONARY, id, copy))
        .toList();
  }

  /** Returns the key of a subsegment's payload in the distributed layout. */
  static String payload(TraceKey trace, long subsegment) {
    String id = Hex.id(subsegment);
    return PREFIX + "s:{" + trace + ":" + id + "}:" + id;
  }

  /**
   * Returns the key of a segment's payloads in the merged layout, which its lock is named after.
   */
  static String segment(TraceKey trace, long segment) {
    return PREFIX + "s:{" + trace + "}:" + Hex.id(segment);
  }

  /** Returns the key of the payloads of traces that have little at a time. */
  static String smallPayloads(TraceKey trace) {
    return PREFIX + "sp:{" + trace + "}";
  }

  /** Returns the key of a trace's index: the one key that scripts are given. */
  static String index(TraceKey trace) {
    return ALL_INDEXES + "{" + trace + "}";
  }

  /** Returns the key of a segment's flush lock. */
  static String flushLock(TraceKey trace, long segment) {
    return PREFIX + "fl:" + segment(trace, segment);
  }

  /** Returns the key of the index of a trace that was set aside. */
  static String asideIndex(OrphanedTrace trace) {
    return ALL_ASIDE + aside(trace);
  }

  /** Returns the key of the small payloads of a trace that was set aside. */
  static String asideSmallPayloads(OrphanedTrace trace) {
    return PREFIX + "ad:sp:" + aside(trace);
  }

  /** Returns the key of the merged payloads of a segment that was set aside. */
  static String asideMerged(OrphanedTrace trace, long segment) {
    return PREFIX + "ad:s:" + aside(trace) + ":" + Hex.id(segment);
  }

  private static String aside(OrphanedTrace trace) {
    return "{" + trace.trace() + "}:" + trace.round();
  }
}

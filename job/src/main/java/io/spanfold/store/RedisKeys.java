package io.spanfold.store;

import io.spanfold.model.Hex;
import io.spanfold.model.TraceKey;

/** The names of all keys in Redis. What each holds is told by the README beside the scripts. */
final class RedisKeys {

  /** What every key of the buffer starts with. */
  static final String PREFIX = "span-buf:";

  /** The lease: one for all that a Redis holds. */
  static final String LEASE = PREFIX + "lease";

  /** What keys of sets of subsegments start with, those in the index. */
  static final String ALL_MEMBERS = PREFIX + "mk:";

  /** What keys of traces' indexes start with. */
  static final String ALL_INDEXES = PREFIX + "ssr:";

  /** The same, of those that were set aside. */
  static final String ALL_ASIDE = PREFIX + "ad:mk:";

  /** Which compression dictionary is the current one. */
  static final String CURRENT_DICTIONARY = PREFIX + "dict";

  private RedisKeys() {}

  /** Returns the key of a compression dictionary. */
  static String dictionary(int id) {
    return "%s:%08x".formatted(CURRENT_DICTIONARY, id);
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

  /** Returns the key of the set of a segment's subsegments that was set aside. */
  static String asideMembers(TraceKey trace, long segment) {
    return ALL_ASIDE + "{" + trace + "}:" + Hex.id(segment);
  }

  /** Returns the key of the merged payloads of a segment that was set aside. */
  static String asidePayloads(TraceKey trace, long segment) {
    return PREFIX + "ad:s:{" + trace + "}:" + Hex.id(segment);
  }
}

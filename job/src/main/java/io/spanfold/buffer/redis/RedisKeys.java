package io.spanfold.buffer.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.TraceKey;
import java.util.List;

/** The names of all keys in Redis. The README next to the scripts says what each holds. */
public final class RedisKeys {

  /** What every key of the buffer starts with. */
  public static final String PREFIX = "span-buf:";

  /** The lease: one for all that a Redis holds. */
  public static final String LEASE = PREFIX + "lease";

  /** What keys of traces' indexes start with. */
  public static final String ALL_INDEXES = PREFIX + "ssr:";

  /** The same of quarantined indexes. */
  public static final String QUARANTINED_INDEXES = PREFIX + "ad:ssr:";

  /** Which compression dictionary is the current one. */
  public static final String CURRENT_DICTIONARY = PREFIX + "dict";

  /** Hash tags in three parts of the slots: with three masters or more, each with another. */
  private static final List<String> COPIES = List.of("a", "b", "c");

  private RedisKeys() {}

  /** Returns a key, or another text of ASCII characters, as bytes. */
  public static byte[] ascii(String text) {
    return text.getBytes(US_ASCII);
  }

  /**
   * Returns the keys of a compression dictionary, each of which holds all of it: payloads on every
   * node cannot be read without, so it must not be lost with one.
   */
  public static List<String> dictionary(int id) {
    return COPIES.stream()
        .map(copy -> "%s:%08x:{%s}".formatted(CURRENT_DICTIONARY, id, copy))
        .toList();
  }

  /** Returns the key of a subsegment's payload in the distributed layout. */
  public static String payload(TraceKey trace, long subsegment) {
    String id = Hex.id(subsegment);
    return PREFIX + "s:{" + trace + ":" + id + "}:" + id;
  }

  /**
   * Returns the key of a segment's payloads in the merged layout, which its lock is named after.
   */
  public static String segment(TraceKey trace, long segment) {
    return PREFIX + "s:{" + trace + "}:" + Hex.id(segment);
  }

  /** Returns the key of the payloads of traces that have little at a time. */
  public static String smallPayloads(TraceKey trace) {
    return PREFIX + "sp:{" + trace + "}";
  }

  /** Returns the key of a trace's index: the one key that scripts are given. */
  public static String index(TraceKey trace) {
    return ALL_INDEXES + "{" + trace + "}";
  }

  /** Returns the key of a segment's flush lock. */
  public static String flushLock(TraceKey trace, long segment) {
    return PREFIX + "fl:" + segment(trace, segment);
  }

  /** Returns the key of the index of a quarantined trace. */
  public static String quarantinedIndex(TraceKey trace, int round) {
    return QUARANTINED_INDEXES + quarantined(trace, round);
  }

  /** Returns the key of the small payloads of a quarantined trace. */
  public static String quarantinedSmallPayloads(TraceKey trace, int round) {
    return PREFIX + "ad:sp:" + quarantined(trace, round);
  }

  /** Returns the key of the merged payloads of a quarantined segment. */
  public static String quarantinedSegment(TraceKey trace, int round, long segment) {
    return PREFIX + "ad:s:" + quarantined(trace, round) + ":" + Hex.id(segment);
  }

  private static String quarantined(TraceKey trace, int round) {
    return "{" + trace + "}:" + round;
  }
}

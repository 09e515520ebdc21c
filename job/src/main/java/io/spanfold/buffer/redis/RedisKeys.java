package io.spanfold.buffer.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.TraceKey;
import java.util.List;

/**
 * The names of all keys in Redis. The README next to the scripts describes the contents of each.
 */
public final class RedisKeys {

  /** The prefix of every key. */
  public static final String PREFIX = "span-buf:";

  /** The lease: one for the whole Redis. */
  public static final String LEASE = PREFIX + "lease";

  /** The prefix of traces' indexes. */
  public static final String ALL_INDEXES = PREFIX + "ssr:";

  /** The prefix of quarantined indexes. */
  public static final String QUARANTINED_INDEXES = PREFIX + "ad:ssr:";

  /** Names the current compression dictionary. */
  public static final String CURRENT_DICTIONARY = PREFIX + "dict";

  /** Hash tags in three thirds of the slots: on different nodes of an even cluster of three. */
  private static final List<String> COPIES = List.of("a", "b", "c");

  private RedisKeys() {}

  /** Returns a key, or another text of ASCII characters, as bytes. */
  public static byte[] ascii(String text) {
    return text.getBytes(US_ASCII);
  }

  /**
   * Returns the keys of a compression dictionary. Each holds all of it: payloads on every node need
   * it, so it must not be lost with one node.
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
   * Returns the key of a segment's payloads in the merged layout; the name of its lock contains it.
   */
  public static String segment(TraceKey trace, long segment) {
    return PREFIX + "s:{" + trace + "}:" + Hex.id(segment);
  }

  /** Returns the key of a trace's small payloads. */
  public static String smallPayloads(TraceKey trace) {
    return PREFIX + "sp:{" + trace + "}";
  }

  /** Returns the key of a trace's index. */
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

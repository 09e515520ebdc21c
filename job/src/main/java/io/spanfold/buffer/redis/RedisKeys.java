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

  /** The number of buckets and the maximum parallelism: where the traces are. */
  public static final String BUCKETS = PREFIX + "buckets";

  /** The prefix of the buckets' records of traces. */
  public static final String ALL_TRACES = PREFIX + "t:";

  /** The prefix of the records of large traces. */
  public static final String ALL_LARGE_TRACES = PREFIX + "x:";

  /** The prefix of the small payloads. */
  public static final String ALL_SMALL_PAYLOADS = PREFIX + "p:";

  /** The prefix of quarantined records of traces. */
  public static final String QUARANTINED_TRACES = PREFIX + "ad:t:";

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

  /** Returns the key of a large subsegment's payload, in a slot of its own. */
  public static String payload(TraceKey trace, long subsegment) {
    return PREFIX + "s:{" + trace + ":" + Hex.id(subsegment) + "}";
  }

  // Keys of a bucket. Its tag is that of io.spanfold.buffer.index.Buckets.

  /** Returns the key of a bucket's records of traces. */
  public static String traces(String tag) {
    return ALL_TRACES + "{" + tag + "}";
  }

  /** Returns the key of a bucket's small payloads of one generation. */
  public static String smallPayloads(String tag, long epoch, long checkpoint) {
    return ALL_SMALL_PAYLOADS + "{" + tag + "}:" + epoch + "." + checkpoint;
  }

  /** Returns the key of the record of a large trace. */
  public static String largeTrace(String tag, TraceKey trace) {
    return ALL_LARGE_TRACES + "{" + tag + "}:" + trace;
  }

  /** Returns the key of a segment's merged payloads. */
  public static String merged(String tag, TraceKey trace, long segment) {
    return PREFIX + "m:{" + tag + "}:" + trace + ":" + Hex.id(segment);
  }

  /** Returns the key of a bucket's flush lock. */
  public static String flushLock(String tag) {
    return PREFIX + "fl:{" + tag + "}";
  }

  /** Returns the key of a bucket's quarantined records of traces. */
  public static String quarantinedTraces(String tag, int round) {
    return QUARANTINED_TRACES + "{" + tag + "}:" + round;
  }

  /** Returns the key of the quarantined record of a large trace. */
  public static String quarantinedLargeTrace(String tag, int round, TraceKey trace) {
    return PREFIX + "ad:x:{" + tag + "}:" + round + ":" + trace;
  }

  /** Returns the key of the merged payloads of a quarantined segment. */
  public static String quarantinedMerged(String tag, int round, TraceKey trace, long segment) {
    return PREFIX + "ad:m:{" + tag + "}:" + round + ":" + trace + ":" + Hex.id(segment);
  }
}

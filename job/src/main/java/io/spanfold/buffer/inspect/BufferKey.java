package io.spanfold.buffer.inspect;

import io.spanfold.buffer.redis.RedisKeys;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A key of a trace, parsed: the inverse of {@link RedisKeys}.
 *
 * @param kind what it holds
 * @param trace {@code project:trace}
 * @param round of a quarantined trace, which distinguishes several leftovers of one trace; else
 *     null
 * @param id the segment, or the subsegment of a {@link Kind#PAYLOAD}; null if it belongs to neither
 */
record BufferKey(Kind kind, String trace, String round, String id) {

  private static final Pattern FORM =
      Pattern.compile(
          "span-buf:(?:(?<quarantined>ad:)?(?<own>s|ssr|sp)|(?<lock>fl):span-buf:s):"
              + "\\{(?<trace>\\d+:[0-9a-f]{32})(?<payload>:[0-9a-f]{16})?}"
              + "(?::(?<round>\\d{1,9}(?![0-9a-f])))?(?::(?<id>[0-9a-f]{16}))?");

  /** What a key of a trace holds. */
  enum Kind {
    /** A payload in the distributed layout. */
    PAYLOAD("s"),
    /** The payloads of a segment in the merged layout. */
    MERGED("s"),
    /** The payloads of a trace in the small layout. */
    SMALL("sp"),
    INDEX("ssr"),
    /** A flush lock. */
    LOCK("fl");

    private final String word;

    Kind(String word) {
      this.word = word;
    }
  }

  /** Parses a key; empty if it is not a key of a trace. */
  static Optional<BufferKey> parse(String key) {
    Matcher matcher = FORM.matcher(key);
    if (!matcher.matches()
        || (matcher.group("quarantined") == null) != (matcher.group("round") == null)) {
      return Optional.empty();
    }
    String word = matcher.group("lock") == null ? matcher.group("own") : matcher.group("lock");
    boolean payload = matcher.group("payload") != null;
    for (Kind kind : Kind.values()) {
      if (kind.word.equals(word) && (kind == Kind.PAYLOAD) == payload) {
        return Optional.of(
            new BufferKey(
                kind, matcher.group("trace"), matcher.group("round"), matcher.group("id")));
      }
    }
    return Optional.empty();
  }

  /**
   * Returns the first word of a key of the buffer, as {@code ssr}: the kind by which keys are
   * counted.
   */
  static String word(String key) {
    String rest = key.substring(RedisKeys.PREFIX.length());
    int end = rest.indexOf(':');
    return end < 0 ? rest : rest.substring(0, end);
  }
}

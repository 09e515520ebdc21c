package io.spanfold.local.inspect;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A key of the buffer, taken apart.
 *
 * @param kind what it holds
 * @param trace {@code project:trace}; null for the lease
 * @param round where it is of what a lost job has left, and was set aside: tells it from what
 *     another has left of the trace; else null
 * @param id the segment, or the subsegment of a {@link Kind#PAYLOAD}; null where it is neither's
 */
record BufferKey(Kind kind, String trace, String round, String id) {

  /** What every key of a buffer begins with. */
  static final String PREFIX = "span-buf:";

  static final String LEASE = PREFIX + "lease";

  private static final Pattern FORM =
      Pattern.compile(
          "span-buf:(?:(?<aside>ad:)?(?<own>s|ssr|sp)|(?<lock>fl):span-buf:s):"
              + "\\{(?<trace>\\d+:[0-9a-f]{32})(?<payload>:[0-9a-f]{16})?}"
              + "(?::(?<round>\\d{1,9}(?![0-9a-f])))?(?::(?<id>[0-9a-f]{16}))?");

  /** What a key holds. */
  enum Kind {
    PAYLOAD("s"),
    MERGED("s"),
    SMALL("sp"),
    INDEX("ssr"),
    LOCK("fl"),
    LEASE("lease");

    private final String word;

    Kind(String word) {
      this.word = word;
    }
  }

  /** Takes a key apart; empty where it has no form of the buffer's. */
  static Optional<BufferKey> parse(String key) {
    if (key.equals(LEASE)) {
      return Optional.of(new BufferKey(Kind.LEASE, null, null, null));
    }
    Matcher matcher = FORM.matcher(key);
    if (!matcher.matches()
        || (matcher.group("aside") == null) != (matcher.group("round") == null)) {
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
}

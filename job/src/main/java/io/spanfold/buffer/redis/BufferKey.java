package io.spanfold.buffer.redis;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.TraceKey;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A key of a bucket or of a trace, parsed: the inverse of {@link RedisKeys}.
 *
 * @param kind what it holds
 * @param tag the hash tag of its bucket; null for a {@link Kind#PAYLOAD}
 * @param round of a quarantined key, which distinguishes the leftovers of several lost jobs
 * @param trace null for a key of a whole bucket
 * @param generation of {@link Kind#SMALL} payloads; null for others
 * @param id the segment of {@link Kind#MERGED} payloads, the subsegment of a {@link Kind#PAYLOAD}
 */
public record BufferKey(
    Kind kind,
    String tag,
    OptionalInt round,
    Generation generation,
    TraceKey trace,
    OptionalLong id) {

  private static final Pattern FORM =
      Pattern.compile(
          Pattern.quote(RedisKeys.PREFIX)
              + "(?<quarantined>ad:)?(?<word>[a-z]+):\\{(?<tag>[^{}]+)}(?::(?<rest>.+))?");

  private static final Pattern GENERATION = Pattern.compile("(\\d{1,18})\\.(\\d{1,18})");

  /** What may follow the hash tag of a bucket, or be that of a payload. */
  private static final Pattern REST =
      Pattern.compile(
          "(?:(?<round>\\d{1,9})(?::(?=\\d)|$))??"
              + "(?:(?<project>\\d{1,19}):(?<high>[0-9a-f]{16})(?<low>[0-9a-f]{16}))?"
              + "(?::(?<id>[0-9a-f]{16}))?");

  /** What a key holds. */
  public enum Kind {
    /** The records of the traces of a bucket. */
    TRACES("t", false, false),
    /** Small payloads of a bucket, of one generation. */
    SMALL("p", false, false),
    /** The record of a large trace. */
    LARGE("x", true, false),
    /** The payloads of a segment in the merged layout. */
    MERGED("m", true, true),
    /** A payload in the distributed layout. */
    PAYLOAD("s", true, true),
    /** The flush lock of a bucket. */
    LOCK("fl", false, false);

    private final String word;
    private final boolean ofTrace;
    private final boolean withId;

    Kind(String word, boolean ofTrace, boolean withId) {
      this.word = word;
      this.ofTrace = ofTrace;
      this.withId = withId;
    }
  }

  /** Parses a key; empty if it is none of a bucket or a trace. */
  public static Optional<BufferKey> parse(String key) {
    Matcher parts = FORM.matcher(key);
    if (!parts.matches()) {
      return Optional.empty();
    }
    for (Kind kind : Kind.values()) {
      if (kind.word.equals(parts.group("word"))) {
        return parse(
            kind, parts.group("quarantined") != null, parts.group("tag"), parts.group("rest"));
      }
    }
    return Optional.empty();
  }

  private static Optional<BufferKey> parse(
      Kind kind, boolean quarantined, String tag, String rest) {
    if (kind == Kind.SMALL) {
      return quarantined || rest == null ? Optional.empty() : smallPayloads(tag, rest);
    }
    boolean payload = kind == Kind.PAYLOAD;
    if (payload && rest != null) {
      return Optional.empty();
    }
    Matcher parts = REST.matcher(payload ? tag : rest == null ? "" : rest);
    if (!parts.matches()
        || (parts.group("round") != null) != quarantined
        || (parts.group("project") != null) != kind.ofTrace
        || (parts.group("id") != null) != kind.withId) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          new BufferKey(
              kind,
              payload ? null : tag,
              quarantined
                  ? OptionalInt.of(Integer.parseInt(parts.group("round")))
                  : OptionalInt.empty(),
              null,
              kind.ofTrace ? trace(parts) : null,
              kind.withId
                  ? OptionalLong.of(Hex.parseId(parts.group("id")))
                  : OptionalLong.empty()));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  private static Optional<BufferKey> smallPayloads(String tag, String rest) {
    Matcher parts = GENERATION.matcher(rest);
    return parts.matches()
        ? Optional.of(
            new BufferKey(
                Kind.SMALL,
                tag,
                OptionalInt.empty(),
                new Generation(Long.parseLong(parts.group(1)), Long.parseLong(parts.group(2))),
                null,
                OptionalLong.empty()))
        : Optional.empty();
  }

  private static TraceKey trace(Matcher parts) {
    return new TraceKey(
        Long.parseLong(parts.group("project")),
        Hex.parseId(parts.group("high")),
        Hex.parseId(parts.group("low")));
  }

  /**
   * Returns the first word of a key of the buffer, as {@code t}: the kind by which keys are
   * counted.
   */
  public static String word(String key) {
    String rest = key.substring(RedisKeys.PREFIX.length());
    int end = rest.indexOf(':');
    return end < 0 ? rest : rest.substring(0, end);
  }
}

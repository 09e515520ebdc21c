package io.spanfold.testing;

import java.util.Locale;
import java.util.Optional;

/** The kinds of {@link HostileRecords}, and for what they must be rejected. */
public enum HostileKind {
  GOOD,
  ODD_BUT_GOOD,
  /** A root whose parent id is empty or all zeros. */
  NO_PARENT_ID,
  SELF_PARENT,
  CYCLE,
  WILD_TIMESTAMP,
  GIVEN_SEGMENT_ID,
  DEEP_AS_ALLOWED,
  LARGE_AS_ALLOWED,
  DUPLICATE,
  DUPLICATE_WITH_OTHER_PAYLOAD,
  DUPLICATE_WITH_OTHER_PARENT,
  /** A byte replaced by any other: {@link RecordJudge} decides whether the record is valid. */
  FLIPPED_BYTE,
  TOMBSTONE("empty"),
  EMPTY("empty"),
  TOO_LARGE("too-large"),
  BAD_UTF8("bad-utf8"),
  OTHER_ENCODING("malformed-json"),
  NO_OBJECT("malformed-json"),
  BROKEN_JSON("malformed-json"),
  TRUNCATED("malformed-json"),
  TOO_DEEP("too-deep"),
  WRONG_TYPE("invalid-field"),
  NULL_FIELD("invalid-field"),
  MISSING_FIELD("invalid-field"),
  BAD_NUMBER("invalid-field"),
  BAD_TRACE_ID("invalid-field"),
  BAD_SPAN_ID("invalid-field"),
  ZERO_ID("invalid-field"),
  BAD_PARENT_ID("invalid-field"),
  BAD_SEGMENT_ID("invalid-field"),
  DUPLICATE_FIELD("duplicate-field");

  private final String reason;

  HostileKind() {
    this("");
  }

  HostileKind(String reason) {
    this.reason = reason;
  }

  /** Returns the reason for which it must be rejected; empty if it may be accepted. */
  public Optional<String> reason() {
    return reason.isEmpty() ? Optional.empty() : Optional.of(reason);
  }

  /** Returns its name in words. */
  public String words() {
    return name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}

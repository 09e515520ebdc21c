package io.spanfold.core.model;

import java.util.Locale;

/** Why a part is flushed. */
public enum FlushReason {
  /** Nothing more came within the segment's timeout. */
  IDLE(0),
  /** Its first span is as old as a part may get. */
  MAX_AGE(1),
  /** It reached the size at which a part is closed. */
  FULL(2),
  /** Redis is nearly full, so the clock follows the wall clock. */
  PRESSURE(3),
  /** The input has ended. */
  END(4);

  private final int code;

  FlushReason(int code) {
    this.code = code;
  }

  /** Returns the number by which savepoints know it; never changed, and never reused. */
  public int code() {
    return code;
  }

  /** Throws {@link IllegalArgumentException} if no constant has {@code code}. */
  public static FlushReason ofCode(int code) {
    for (FlushReason each : values()) {
      if (each.code == code) {
        return each;
      }
    }
    throw new IllegalArgumentException("there is no flush reason with code " + code);
  }

  /** Returns the word for headers and metrics, such as {@code max-age}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}

package io.spanfold.core.model;

import java.util.Locale;

/** Why a part is flushed. The order is part of the state's format: append only. */
public enum FlushReason {
  /** Nothing more came within the segment's timeout. */
  IDLE,
  /** Its first span is as old as a part may get. */
  MAX_AGE,
  /** It reached the size at which a part is closed. */
  FULL,
  /** Redis is nearly full, so the clock follows the wall clock. */
  PRESSURE,
  /** The input has ended. */
  END;

  /** Returns the word for headers and metrics, such as {@code max-age}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}

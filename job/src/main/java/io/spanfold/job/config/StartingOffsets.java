package io.spanfold.job.config;

import java.io.Serializable;

/**
 * The offsets at which a job without state starts to read.
 *
 * @param timestamp record time in milliseconds since 1970 for {@link Origin#TIMESTAMP}, else 0
 */
public record StartingOffsets(Origin origin, long timestamp) implements Serializable {

  /** What the start is relative to. */
  public enum Origin {
    /** The oldest record that the topic still has. */
    EARLIEST,
    /** The records that are written after the start. */
    LATEST,
    /** The offsets that the consumer group committed, or the oldest record if it has none. */
    COMMITTED,
    /** The first record at or after a time. */
    TIMESTAMP
  }

  /**
   * Parses {@code earliest}, {@code latest}, {@code committed} or a time in milliseconds.
   *
   * @throws IllegalArgumentException if it has another form
   */
  static StartingOffsets parse(String text) {
    return switch (text.strip()) {
      case "earliest" -> new StartingOffsets(Origin.EARLIEST, 0);
      case "latest" -> new StartingOffsets(Origin.LATEST, 0);
      case "committed" -> new StartingOffsets(Origin.COMMITTED, 0);
      default -> {
        if (!text.strip().matches("\\d{1,18}")) {
          throw new IllegalArgumentException("is not a starting offset");
        }
        yield new StartingOffsets(Origin.TIMESTAMP, Long.parseLong(text.strip()));
      }
    };
  }
}

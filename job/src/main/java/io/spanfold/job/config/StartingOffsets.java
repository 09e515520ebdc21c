package io.spanfold.job.config;

import java.io.Serializable;

/**
 * Where a job without state starts to read.
 *
 * @param origin which kind of place
 * @param timestamp record time in milliseconds since 1970 for {@link Origin#TIMESTAMP}, else 0
 */
public record StartingOffsets(Origin origin, long timestamp) implements Serializable {

  /** The kinds of places. */
  public enum Origin {
    /** The oldest record that the topic still has. */
    EARLIEST,
    /** Only records that are written after the start. */
    LATEST,
    /** The offsets that the consumer group committed; the oldest record where there are none. */
    COMMITTED,
    /** The first record at or after a time. */
    TIMESTAMP
  }

  /**
   * Reads {@code earliest}, {@code latest}, {@code committed} or a time in milliseconds.
   *
   * @throws IllegalArgumentException where it is none of these
   */
  static StartingOffsets parse(String text) {
    return switch (text) {
      case "earliest" -> new StartingOffsets(Origin.EARLIEST, 0);
      case "latest" -> new StartingOffsets(Origin.LATEST, 0);
      case "committed" -> new StartingOffsets(Origin.COMMITTED, 0);
      default -> {
        if (!text.matches("\\d{1,18}")) {
          throw new IllegalArgumentException(text);
        }
        yield new StartingOffsets(Origin.TIMESTAMP, Long.parseLong(text));
      }
    };
  }
}

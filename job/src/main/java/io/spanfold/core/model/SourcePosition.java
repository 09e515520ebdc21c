package io.spanfold.core.model;

import java.util.Comparator;

/**
 * The position of a span in the source topic. Positions are ordered by partition, then offset, then
 * index.
 *
 * @param partition the partition; {@link #NOWHERE} if the span has no known record
 * @param offset the record's offset in it
 * @param index which span of the record it is, from 0; a JSON record holds one
 */
public record SourcePosition(int partition, long offset, int index)
    implements Comparable<SourcePosition> {

  /**
   * The partition of spans that cannot be read again because their position is unknown. Offset and
   * index only distinguish such a span from others.
   */
  public static final int NOWHERE = Integer.MAX_VALUE;

  private static final Comparator<SourcePosition> ORDER =
      Comparator.comparingInt(SourcePosition::partition)
          .thenComparingLong(SourcePosition::offset)
          .thenComparingInt(SourcePosition::index);

  @Override
  public int compareTo(SourcePosition other) {
    return ORDER.compare(this, other);
  }
}

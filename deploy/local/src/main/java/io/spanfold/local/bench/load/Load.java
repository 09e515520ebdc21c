package io.spanfold.local.bench.load;

/**
 * A kind of traffic.
 *
 * @param name what it is called in tables
 * @param spans how many spans
 * @param spanBytes how long a record is on average
 * @param attributes how many attributes it has
 * @param spansPerSegment how many spans each segment, which is a trace of its own, has
 * @param openSegments how many segments have spans to come at a time
 * @param shape how the spans of a segment hang together
 * @param spansPerSecond how fast record time goes by
 * @param spansPerHotSegment how many spans the segments have that are one in a hundred of those
 *     open and get {@link #HOT_SHARE} of all spans; 0 where there are none such
 */
public record Load(
    String name,
    int spans,
    int spanBytes,
    int attributes,
    int spansPerSegment,
    int openSegments,
    Shape shape,
    int spansPerSecond,
    int spansPerHotSegment) {

  /** Share of the spans that one in a hundred traces has, where traces are not alike. */
  public static final double HOT_SHARE = 0.8;

  private static final int SEGMENTS_A_HOT_ONE = 100;

  /** How the spans of a segment hang together. Children end, and so come, before their parents. */
  public enum Shape {
    /** Each span's parent is any of those before it. */
    RANDOM_TREE,
    /** All are children of the root. */
    FLAT,
    /** Each is the child of the next: leaf first. */
    CHAIN
  }

  /** The load that is meant where nothing else is said. */
  public static Load typical(int spans) {
    return new Load("typical", spans, 1_490, 18, 25, 2_000, Shape.RANDOM_TREE, 10_000, 0);
  }

  /**
   * The same with 200 traces at a time, of which one in a hundred has {@link #HOT_SHARE} of the
   * spans: 396 times as many as another, in the same time.
   */
  public static Load skewed(int spans) {
    return new Load("skewed", spans, 1_490, 18, 25, 200, Shape.RANDOM_TREE, 10_000, 9_900);
  }

  /** A thousand children of one root. */
  public static Load wide(int spans) {
    return new Load("wide", spans, 1_490, 18, 1_000, 50, Shape.FLAT, 10_000, 0);
  }

  /** A thousand spans below one another. */
  public static Load deep(int spans) {
    return new Load("deep", spans, 1_490, 18, 1_000, 50, Shape.CHAIN, 10_000, 0);
  }

  /** One span a segment. */
  public static Load tiny(int spans) {
    return new Load("tiny", spans, 1_490, 18, 1, 2_000, Shape.FLAT, 10_000, 0);
  }

  /** Spans of a quarter of a megabyte, which hardly compress. */
  public static Load huge(int spans) {
    return new Load("huge", spans, 256 * 1024, 18, 10, 20, Shape.RANDOM_TREE, 60, 0);
  }

  /** Returns how many of the open segments are hot. */
  int hotSegments() {
    return spansPerHotSegment == 0 ? 0 : openSegments / SEGMENTS_A_HOT_ONE;
  }

  /** Small spans, so that it is the folding that shows. */
  public static Load growth(
      String name, int spans, int spansPerSegment, int openSegments, Shape shape, int perSecond) {
    return new Load(name, spans, 400, 3, spansPerSegment, openSegments, shape, perSecond, 0);
  }
}

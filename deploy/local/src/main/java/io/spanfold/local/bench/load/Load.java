package io.spanfold.local.bench.load;

/**
 * A kind of traffic. In all shapes but {@link Shape#SERVICES} a trace is one segment.
 *
 * @param name in tables
 * @param spans the number of spans
 * @param spanBytes the average length of a record
 * @param attributes the number of attributes per span, at most
 * @param spansPerTrace the number of spans per trace; the average with {@link Shape#SERVICES}
 * @param openTraces the number of traces that are incomplete at a time
 * @param shape the tree of a trace
 * @param spansPerSecond the pace of record time
 * @param spansPerHotTrace the number of spans of a hot trace; one in a hundred open traces is hot,
 *     and these get {@link #HOT_SHARE} of all spans; 0 for none
 */
public record Load(
    String name,
    int spans,
    int spanBytes,
    int attributes,
    int spansPerTrace,
    int openTraces,
    Shape shape,
    int spansPerSecond,
    int spansPerHotTrace) {

  /** The hot traces' share of all spans. */
  public static final double HOT_SHARE = 0.8;

  private static final int TRACES_PER_HOT_ONE = 100;

  /** The tree of a trace. Children end before their parents, and are sent before them. */
  public enum Shape {
    /** Each span's parent is a random earlier one. */
    RANDOM_TREE,
    /** All are children of the root. */
    FLAT,
    /** Each span is the child of the next: leaf first. */
    CHAIN,
    /** Segments of several services, drawn by {@link ServiceTraces}. */
    SERVICES
  }

  /**
   * Traffic of services as it was recorded in real systems: 28 spans a trace in 7.3 segments, 741
   * bytes a span. Each service is a project, as the formats have it. Half of the traces last less
   * than 3 s.
   */
  public static Load services(int spans) {
    return new Load("services", spans, 741, 15, 28, 2_000, Shape.SERVICES, 10_000, 0);
  }

  /** Segments of 25 spans. */
  public static Load typical(int spans) {
    return new Load("typical", spans, 1_490, 18, 25, 2_000, Shape.RANDOM_TREE, 10_000, 0);
  }

  /** The same with 20,000 traces at a time. */
  public static Load crowded(int spans) {
    return new Load("crowded", spans, 1_490, 18, 25, 20_000, Shape.RANDOM_TREE, 10_000, 0);
  }

  /**
   * {@link #typical} with 200 traces at a time, of which two are hot: each has 396 times as many
   * spans as another trace, in the same time.
   */
  public static Load skewed(int spans) {
    return new Load("skewed", spans, 1_490, 18, 25, 200, Shape.RANDOM_TREE, 10_000, 9_900);
  }

  /** A thousand children of one root. */
  public static Load wide(int spans) {
    return new Load("wide", spans, 1_490, 18, 1_000, 50, Shape.FLAT, 10_000, 0);
  }

  /** A chain of a thousand spans. */
  public static Load deep(int spans) {
    return new Load("deep", spans, 1_490, 18, 1_000, 50, Shape.CHAIN, 10_000, 0);
  }

  /** One span per segment. */
  public static Load tiny(int spans) {
    return new Load("tiny", spans, 1_490, 18, 1, 2_000, Shape.FLAT, 10_000, 0);
  }

  /** Spans of 256 KB that hardly compress. */
  public static Load huge(int spans) {
    return new Load("huge", spans, 256 * 1024, 18, 10, 20, Shape.RANDOM_TREE, 60, 0);
  }

  /** Returns the number of open traces that are hot. */
  int hotTraces() {
    return spansPerHotTrace == 0 ? 0 : openTraces / TRACES_PER_HOT_ONE;
  }

  /** Small spans, so that folding dominates the cost. */
  public static Load growth(
      String name, int spans, int spansPerTrace, int openTraces, Shape shape, int perSecond) {
    return new Load(name, spans, 400, 3, spansPerTrace, openTraces, shape, perSecond, 0);
  }
}

package io.spanfold.core.model;

/**
 * The spans of one batch that certainly belong to one segment: written to Redis once, never changed
 * after. This is its form in state; the bytes are in Redis.
 *
 * @param id hash over the source positions of its spans: equal positions have equal ids, and
 *     different ones different ids
 * @param parentId the topmost parent that can be reached within its batch
 * @param root whether a segment root is among its spans
 * @param spanCount how many spans
 * @param recordBytes length of their records together
 * @param storedBytes length in Redis of the payload that holds it, alone or with others; 0 before
 *     it is stored
 * @param layouts which layouts hold the payload, as bits of {@code PayloadLayout}; before it is
 *     stored, those that it is to be stored in
 * @param organizationId the organisation of its first span, for outcomes
 * @param positions the source positions of its spans
 * @param small where its payload is among the small ones; null if it is not among them
 */
public record Subsegment(
    long id,
    long parentId,
    boolean root,
    int spanCount,
    long recordBytes,
    int storedBytes,
    int layouts,
    long organizationId,
    SourcePositions positions,
    SmallPayload small) {

  /** A subsegment whose payload is not among the small ones. */
  public Subsegment(
      long id,
      long parentId,
      boolean root,
      int spanCount,
      long recordBytes,
      int storedBytes,
      int layouts,
      long organizationId,
      SourcePositions positions) {
    this(
        id,
        parentId,
        root,
        spanCount,
        recordBytes,
        storedBytes,
        layouts,
        organizationId,
        positions,
        null);
  }

  /** Returns this subsegment as it is once its payload is stored. */
  public Subsegment stored(int bytes, int inLayouts, SmallPayload inSmall) {
    return new Subsegment(
        id,
        parentId,
        root,
        spanCount,
        recordBytes,
        bytes,
        inLayouts,
        organizationId,
        positions,
        inSmall);
  }
}

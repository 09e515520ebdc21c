package io.spanfold.core.fold;

import io.spanfold.core.model.SourcePosition;
import io.spanfold.core.model.Subsegment;
import java.util.ArrayList;
import java.util.List;

/** A subsegment of the batch that is being folded, with the progress of its spans. */
final class BatchSubsegment {

  final Subsegment subsegment;

  /** How many of the batch's rows are spans of it, and how many of these were folded. */
  int rows;

  int rowsFolded;

  /** Those of its rows that wait for the clock. */
  final List<Integer> earlyRows = new ArrayList<>(0);

  /** How many slices of it wait in state, in parts or for the clock. */
  int slicesWaiting;

  /** Whether a part that took all of it is due, and deletes it. */
  boolean released;

  private List<SourcePosition> positions;

  BatchSubsegment(Subsegment subsegment) {
    this.subsegment = subsegment;
  }

  SourcePosition position(int index) {
    if (positions == null) {
      positions = subsegment.positions().all();
    }
    return positions.get(index);
  }
}

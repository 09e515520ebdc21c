package io.spanfold.store;

/** Which layouts payloads are written in, and which one a flush reads. */
public enum RolloutPhase {
  /** A key for each subsegment, spread over the nodes: written and read. */
  DISTRIBUTED
}

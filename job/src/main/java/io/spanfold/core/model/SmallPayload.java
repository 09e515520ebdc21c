package io.spanfold.core.model;

/**
 * Where a subsegment is in Redis if its trace has few bytes in its batch: with the trace's other
 * subsegments of the batch, in one payload.
 *
 * @param id hash over the ids of all subsegments in the payload; never 0
 * @param epoch the epoch of the lease under which it was written
 * @param checkpoint the last checkpoint before it was written; with {@code epoch}, its generation
 * @param offset where the frames of the subsegment begin in the uncompressed payload, in bytes
 */
public record SmallPayload(long id, long epoch, long checkpoint, int offset) {

  /** Returns whether both are in one payload. */
  public boolean sharesPayload(SmallPayload other) {
    return id == other.id && sharesGeneration(other);
  }

  /** Returns whether both were written under one lease, between the same checkpoints. */
  public boolean sharesGeneration(SmallPayload other) {
    return epoch == other.epoch && checkpoint == other.checkpoint;
  }
}

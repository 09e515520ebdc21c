package io.spanfold.core.model;

/**
 * What one attempt of the job wrote to Redis between two checkpoints.
 *
 * @param epoch the epoch of the attempt's lease
 * @param checkpoint the last checkpoint before it was written; 0 before the first
 */
public record Generation(long epoch, long checkpoint) {}

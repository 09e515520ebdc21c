package io.spanfold.local;

/**
 * A fault that was made.
 *
 * @param beganMillis when, in ms since the epoch
 * @param recoveredMillis when output flowed and checkpoints completed again
 * @param longestGapMillis the longest time without output from the one to the other
 */
record FaultRun(FaultKind kind, long beganMillis, long recoveredMillis, long longestGapMillis) {}

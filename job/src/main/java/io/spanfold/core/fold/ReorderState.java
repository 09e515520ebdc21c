package io.spanfold.core.fold;

import java.util.List;

/**
 * Summary of a trace's early spans, which decides which spans wait behind them.
 *
 * @param from the earliest timestamp of those that wait for the clock, not just behind others
 * @param until the earliest time that one of them waits for
 * @param partitions the source partitions they were read from
 */
public record ReorderState(long from, long until, List<Integer> partitions) {}

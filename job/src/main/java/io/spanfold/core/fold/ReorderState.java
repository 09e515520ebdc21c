package io.spanfold.core.fold;

import java.util.List;

/**
 * What has to be known of a trace's early spans to decide which spans wait behind them.
 *
 * @param from the earliest of their timestamps
 * @param partitions the source partitions they were read from
 */
public record ReorderState(long from, List<Integer> partitions) {}

package io.spanfold.core.fold;

import java.util.List;

/**
 * What is to be known of a trace's spans that wait for the clock, before they are served.
 *
 * @param from the earliest of their timestamps
 * @param partitions the source's partitions that they stand in
 */
public record ReorderState(long from, List<Integer> partitions) {}

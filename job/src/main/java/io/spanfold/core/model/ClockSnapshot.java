package io.spanfold.core.model;

/**
 * The clock of a source partition at a checkpoint. All times are in milliseconds.
 *
 * @param time the record time up to which the partition was read; {@link Long#MIN_VALUE} if no
 *     record had a time
 * @param latestRecord the time of the latest record; likewise
 * @param wallClock the wall clock, less the time that the clock has yet to catch up
 * @param silent how long it has been unknown what the partition holds
 */
public record ClockSnapshot(long time, long latestRecord, long wallClock, long silent) {}

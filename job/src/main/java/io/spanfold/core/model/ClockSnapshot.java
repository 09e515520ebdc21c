package io.spanfold.core.model;

/**
 * The clock of a source subtask at a checkpoint. All times are in milliseconds.
 *
 * @param watermark its watermark
 * @param latestRecord the time of the latest record
 * @param wallClock the wall clock, less the time for which the watermark has yet to catch up
 */
public record ClockSnapshot(long watermark, long latestRecord, long wallClock) {}

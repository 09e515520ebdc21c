package io.spanfold.job.time;

import java.io.Serializable;
import java.time.Duration;

/**
 * The bounds of one partition's effect on the others.
 *
 * @param maxLag {@code source.max-lag}: how far a partition at its end may be behind the others
 * @param maxSilence {@code source.max-silence}: how long the others wait for one that is not read
 * @param bounded whether the source ends, so that there is no silence to bridge
 */
public record ClockSettings(Duration maxLag, Duration maxSilence, boolean bounded)
    implements Serializable {}

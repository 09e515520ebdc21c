/** Runs the fold on Flink's keyed state and timers. */
package io.spanfold.job.track;

/**
 * Checks Flink's settings, Kafka and Redis before the job is submitted. {@link
 * io.spanfold.job.preflight.PreflightChecks} is the entry point.
 */
package io.spanfold.job.preflight;

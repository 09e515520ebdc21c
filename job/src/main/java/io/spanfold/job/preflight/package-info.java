/**
 * Asks Kafka and Redis, before the job starts, what would otherwise show when it runs: {@link
 * io.spanfold.job.preflight.PreflightChecks} is the face, and there is a class for each server.
 */
package io.spanfold.job.preflight;

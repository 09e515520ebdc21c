/**
 * Asks Kafka and Redis, before the job starts, what would otherwise show when it runs: {@link
 * io.spanfold.check.ServerChecks} is the face, and there is a class for each server.
 */
package io.spanfold.check;

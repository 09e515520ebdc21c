/** Writes batches to Redis, asynchronously. */
package io.spanfold.job.write;

/** Writes batches to Redis, beside the stream. */
package io.spanfold.job.write;

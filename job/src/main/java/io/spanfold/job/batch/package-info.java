/** Gathers spans into batches, which are emitted before each barrier. */
package io.spanfold.job.batch;

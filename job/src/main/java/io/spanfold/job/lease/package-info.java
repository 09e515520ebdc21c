/** A task's share of the lease on the buffer. */
package io.spanfold.job.lease;

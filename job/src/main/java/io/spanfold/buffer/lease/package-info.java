/**
 * Who may work on a buffer: one job, and of its attempts the newest. {@link
 * io.spanfold.job.lease.Lease} is the face.
 */
package io.spanfold.buffer.lease;

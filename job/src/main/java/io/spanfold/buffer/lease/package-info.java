/**
 * Which job may work on a buffer: one job at a time, and of its attempts the newest. {@link
 * io.spanfold.buffer.lease.LeaseKeeper} holds the lease, and flush locks carry its epoch.
 */
package io.spanfold.buffer.lease;

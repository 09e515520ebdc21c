/** Watches the memory of Redis for the gate at the source. */
package io.spanfold.job.memory;

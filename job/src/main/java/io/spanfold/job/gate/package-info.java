/** Watches Redis for the gate at the source, and repeats what it refuses. */
package io.spanfold.job.gate;

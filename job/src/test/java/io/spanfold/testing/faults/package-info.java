/** Kills the job's process before or after a chosen request to a real server. */
package io.spanfold.testing.faults;

/** Knows when Redis has no room, or no answer. */
package io.spanfold.job.memory;

/** Runs the fold on the traces in state, and serves what is due as record time advances. */
package io.spanfold.job.track;

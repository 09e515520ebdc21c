/** Reads the source topic while Redis has room. */
package io.spanfold.job.source;

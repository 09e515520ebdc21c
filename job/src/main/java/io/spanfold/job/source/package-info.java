/** Reads the source topic, as long as there is room for what is read. */
package io.spanfold.job.source;

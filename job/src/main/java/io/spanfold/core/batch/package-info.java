/** Gathers spans for a moment, and groups those of one trace into subsegments. */
package io.spanfold.core.batch;

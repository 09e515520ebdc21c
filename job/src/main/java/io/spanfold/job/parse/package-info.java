/** Parses records into spans; rejects bad records and drops what {@code ingest.drop} lists. */
package io.spanfold.job.parse;

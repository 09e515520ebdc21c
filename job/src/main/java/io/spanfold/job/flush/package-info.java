/**
 * Flushes parts that are due: locks them, loads their payloads and builds their messages; and
 * deletes after the commit what they were made from.
 */
package io.spanfold.job.flush;

/** Flushes parts that are due: loads their payloads, and makes them messages. */
package io.spanfold.job.flush;

/** The topics of a run, the clients that write and read them, and what is in the job's output. */
package io.spanfold.local.kafka;

/**
 * What leaves the job: segments and outcomes in one Kafka transaction, the clean-up of what they
 * were made from after its commit, and dead letters.
 */
package io.spanfold.job.sink;

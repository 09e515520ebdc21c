/**
 * Reads again from Kafka what Redis lost. Thread-confined like the store; knows Kafka, not Flink.
 */
package io.spanfold.job.recovery;

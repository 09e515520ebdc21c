/** Reads from Kafka what Redis lost. Knows Kafka, not Flink. */
package io.spanfold.job.recovery;

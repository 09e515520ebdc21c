/** What all Kafka clients of the job have in common. */
package io.spanfold.job.kafka;

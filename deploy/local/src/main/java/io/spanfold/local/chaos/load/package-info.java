/**
 * A load of generated traces, and the verification of the output.
 *
 * <p>{@code TraceGenerator} generates records and knows the segment of every span. {@code
 * DeliveryVerifier} receives the records that were sent and those that were read, and returns a
 * {@code DeliveryReport}. Nothing here depends on Kafka, Flink or Redis.
 */
package io.spanfold.local.chaos.load;

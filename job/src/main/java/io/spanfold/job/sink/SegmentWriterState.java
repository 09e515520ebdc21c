package io.spanfold.job.sink;

import org.apache.flink.connector.kafka.sink.KafkaWriterState;

/**
 * What a writer leaves in a checkpoint. Of its own it has nothing to leave, as what it wrote is in
 * the committable by then; the type is there so that it can.
 *
 * @param kafka the state of Kafka's writer
 */
record SegmentWriterState(KafkaWriterState kafka) {}

package io.spanfold.job.source;

import org.apache.flink.connector.kafka.source.enumerator.KafkaSourceEnumState;
import org.apache.kafka.common.Uuid;

/**
 * The state of the source's enumerator.
 *
 * @param kafka that of Kafka's source
 * @param topicId the id of the topic that all offsets are of; {@link Uuid#ZERO_UUID} if unknown
 */
record GatedEnumeratorState(KafkaSourceEnumState kafka, Uuid topicId) {}

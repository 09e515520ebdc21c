package io.spanfold.job.sink;

import java.util.List;
import java.util.Map;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.kafka.common.TopicPartition;

/**
 * What one writer hands over for one checkpoint: what has its records in exactly this transaction.
 *
 * @param <T> what names an item: a part's receipt, or where a dead letter comes from
 * @param transaction Kafka's; null where nothing was written or delivery is not exactly-once
 * @param since where the topics ended before the transaction began, so that its records come after;
 *     a partition that is not named counts from its beginning
 * @param items what is in it, to be seen to once it is committed, and made again where it is
 *     refused
 */
record TransactionCommittable<T>(
    KafkaCommittable transaction, Map<TopicPartition, Long> since, List<T> items) {}

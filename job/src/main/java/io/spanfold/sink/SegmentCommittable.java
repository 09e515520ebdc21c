package io.spanfold.sink;

import io.spanfold.model.FlushedPart.Receipt;
import java.util.List;
import java.util.Map;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.kafka.common.TopicPartition;

/**
 * What one writer hands over for one checkpoint: exactly the parts whose records are in exactly
 * this transaction.
 *
 * @param transaction Kafka's; null where nothing was written or delivery is not exactly-once
 * @param since where the topics ended before the transaction began, so that its records come after;
 *     a partition that is not named counts from its beginning
 * @param receipts what may be cleaned up once it is committed, and made again where it is refused
 */
record SegmentCommittable(
    KafkaCommittable transaction, Map<TopicPartition, Long> since, List<Receipt> receipts) {}

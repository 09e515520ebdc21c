package io.spanfold.sink;

import io.spanfold.model.FlushedPart.Receipt;
import java.util.List;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;

/**
 * What one writer hands over for one checkpoint: exactly the parts whose records are in exactly
 * this transaction.
 *
 * @param transaction Kafka's; null where nothing was written or delivery is not exactly-once
 * @param receipts what may be cleaned up once it is committed
 */
record SegmentCommittable(KafkaCommittable transaction, List<Receipt> receipts) {}

package io.spanfold.job.sink;

import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import io.spanfold.job.kafka.KafkaClientProperties;
import java.util.List;
import java.util.Properties;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Transactions of the tests' own. */
final class TestProducers {

  private TestProducers() {}

  static KafkaProducer<byte[], byte[]> transactional(KafkaSettings kafka, String transactionalId) {
    Properties properties = KafkaClientProperties.producer(kafka, 1 << 20);
    properties.setProperty("transactional.id", transactionalId);
    return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
  }

  /** Returns a transaction as a committable names it. */
  static KafkaCommittable committable(Admin admin, String transactionalId) throws Exception {
    TransactionDescription now =
        admin.describeTransactions(List.of(transactionalId)).description(transactionalId).get();
    return new KafkaCommittable(
        now.producerId(), (short) now.producerEpoch(), transactionalId, null);
  }
}

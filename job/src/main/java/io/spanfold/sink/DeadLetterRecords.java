package io.spanfold.sink;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.model.DeadLetter;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;

/**
 * Lays out dead letters as Kafka records: the key, value and headers as they were, and headers that
 * tell why they are here and from where. The record's time is that of writing: a wild time may be
 * what was wrong with it, and brokers refuse wild times.
 */
final class DeadLetterRecords implements KafkaRecordSerializationSchema<DeadLetter> {

  private static final long serialVersionUID = 1L;

  /** Errors can quote their input; more than this helps nobody and could burst the record. */
  private static final int MAX_ERROR_CHARACTERS = 1000;

  private final String topic;

  DeadLetterRecords(String topic) {
    this.topic = topic;
  }

  @Override
  public ProducerRecord<byte[], byte[]> serialize(
      DeadLetter letter, KafkaSinkContext context, Long timestamp) {
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(topic, letter.key(), letter.value());
    Headers headers = record.headers();
    letter.headers().forEach(header -> headers.add(header.key(), header.value()));
    headers.add("spanfold-reason", letter.reason().getBytes(UTF_8));
    headers.add("spanfold-topic", letter.topic().getBytes(UTF_8));
    headers.add("spanfold-partition", Integer.toString(letter.partition()).getBytes(UTF_8));
    headers.add("spanfold-offset", Long.toString(letter.offset()).getBytes(UTF_8));
    headers.add("spanfold-error", shortened(letter.error()).getBytes(UTF_8));
    return record;
  }

  private static String shortened(String error) {
    return error.length() <= MAX_ERROR_CHARACTERS
        ? error
        : error.substring(0, MAX_ERROR_CHARACTERS) + "...";
  }
}

package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.core.model.DeadLetter;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;

/**
 * Lays out dead letters as Kafka records: the key, value and headers as they were, and headers that
 * tell why they are here and from where. The record's time is that of writing: a wild time may be
 * what was wrong with it, and brokers refuse wild times.
 */
final class DeadLetterRecords {

  private static final String TOPIC = "spanfold-topic";
  private static final String PARTITION = "spanfold-partition";
  private static final String OFFSET = "spanfold-offset";

  /** Errors can quote their input; more than this helps nobody and could burst the record. */
  private static final int MAX_ERROR_CHARACTERS = 1000;

  private final String topic;

  DeadLetterRecords(String topic) {
    this.topic = topic;
  }

  /** Returns the record of a dead letter. */
  ProducerRecord<byte[], byte[]> of(DeadLetter letter) {
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(topic, letter.key(), letter.value());
    Headers headers = record.headers();
    letter.headers().forEach(header -> headers.add(header.key(), header.value()));
    headers.add("spanfold-reason", letter.reason().getBytes(UTF_8));
    headers.add(TOPIC, letter.topic().getBytes(UTF_8));
    headers.add(PARTITION, Integer.toString(letter.partition()).getBytes(UTF_8));
    headers.add(OFFSET, Long.toString(letter.offset()).getBytes(UTF_8));
    headers.add("spanfold-error", shortened(letter.error()).getBytes(UTF_8));
    return record;
  }

  /** Returns the topic that the records are for. */
  String topic() {
    return topic;
  }

  /** Returns what a dead letter is known by: where its record stands in the source topic. */
  static String id(DeadLetter letter) {
    return letter.topic() + ' ' + letter.partition() + ' ' + letter.offset();
  }

  /** Returns the same of a record; null where it is no dead letter. */
  static String id(ConsumerRecord<byte[], byte[]> record) {
    // The last of a name is ours: the source record may have been a dead letter itself.
    Header from = record.headers().lastHeader(TOPIC);
    Header partition = record.headers().lastHeader(PARTITION);
    Header offset = record.headers().lastHeader(OFFSET);
    return from == null || partition == null || offset == null
        ? null
        : text(from) + ' ' + text(partition) + ' ' + text(offset);
  }

  private static String text(Header header) {
    return header.value() == null ? "" : new String(header.value(), UTF_8);
  }

  private static String shortened(String error) {
    return error.length() <= MAX_ERROR_CHARACTERS
        ? error
        : error.substring(0, MAX_ERROR_CHARACTERS) + "...";
  }
}

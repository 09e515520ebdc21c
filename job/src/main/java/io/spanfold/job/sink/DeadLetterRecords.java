package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.SourcePosition;
import java.io.Serializable;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;

/**
 * Writes dead letters as Kafka records: key, value and headers of the source record, and headers
 * for the reason and the position. The timestamp is the time of writing: that of the source record
 * may be out of range, and brokers refuse those.
 *
 * @param topic the topic of dead letters
 */
record DeadLetterRecords(String topic) implements Serializable {

  private static final String TOPIC = "spanfold-topic";
  private static final String PARTITION = "spanfold-partition";
  private static final String OFFSET = "spanfold-offset";

  /** Present only if it is not 0. */
  private static final String INDEX = "spanfold-index";

  /** Errors may quote their input, which could make the record too large. */
  private static final int MAX_ERROR_CHARACTERS = 1000;

  ProducerRecord<byte[], byte[]> of(DeadLetter letter) {
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(topic, letter.key(), letter.value());
    Headers headers = record.headers();
    letter.headers().forEach(header -> headers.add(header.key(), header.value()));
    headers.add("spanfold-reason", letter.reason().getBytes(UTF_8));
    headers.add(TOPIC, letter.topic().getBytes(UTF_8));
    SourcePosition position = letter.position();
    headers.add(PARTITION, Integer.toString(position.partition()).getBytes(UTF_8));
    headers.add(OFFSET, Long.toString(position.offset()).getBytes(UTF_8));
    if (position.index() > 0) {
      headers.add(INDEX, Integer.toString(position.index()).getBytes(UTF_8));
    }
    headers.add("spanfold-error", shortened(letter.error()).getBytes(UTF_8));
    return record;
  }

  /** Returns the id of a dead letter: the position of its record in the source topic. */
  static String id(DeadLetter letter) {
    SourcePosition position = letter.position();
    return id(
        letter.topic(),
        Integer.toString(position.partition()),
        Long.toString(position.offset()),
        Integer.toString(position.index()));
  }

  private static String id(String topic, String partition, String offset, String index) {
    return topic + ' ' + partition + ' ' + offset + (index.equals("0") ? "" : ' ' + index);
  }

  /** Returns the id of a record; null if it is no dead letter. */
  static String id(ConsumerRecord<byte[], byte[]> record) {
    // The last header of a name is ours: the source record may have been a dead letter itself.
    Header from = record.headers().lastHeader(TOPIC);
    Header partition = record.headers().lastHeader(PARTITION);
    Header offset = record.headers().lastHeader(OFFSET);
    if (from == null || partition == null || offset == null) {
      return null;
    }
    // An index before our other headers is that of a former dead letter.
    String index = "0";
    for (Header header : record.headers()) {
      if (header.key().equals(OFFSET)) {
        index = "0";
      } else if (header.key().equals(INDEX)) {
        index = text(header);
      }
    }
    return id(text(from), text(partition), text(offset), index);
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

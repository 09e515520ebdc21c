package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.SourcePosition;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;

/**
 * Writes dead letters as Kafka records: key, value and headers of the source record, and headers
 * for the reason and the position. The timestamp is the time of writing: that of the source record
 * may be out of range, and brokers refuse those.
 *
 * <p>A letter is larger than its source record, and another topic may accept less. What the topic
 * would refuse goes without its largest piece, or pieces; a header names them.
 *
 * @param topic the topic of dead letters
 */
record DeadLetterRecords(String topic) implements Serializable {

  private static final String TOPIC = "spanfold-topic";
  private static final String PARTITION = "spanfold-partition";
  private static final String OFFSET = "spanfold-offset";

  /** Present only if it is not 0. */
  private static final String INDEX = "spanfold-index";

  /** Present only if something is missing, and then the last one. */
  private static final String TRUNCATED = "spanfold-truncated";

  /** Errors may quote their input, which could make the record too large. */
  private static final int MAX_ERROR_CHARACTERS = 1000;

  /** What a letter has of its source record. */
  private enum Piece {
    VALUE,
    HEADERS,
    KEY;

    long bytes(DeadLetter letter) {
      return switch (this) {
        case VALUE -> length(letter.value());
        case HEADERS ->
            letter.headers().stream()
                .mapToLong(header -> header.key().length() + length(header.value()))
                .sum();
        case KEY -> length(letter.key());
      };
    }

    private static long length(byte[] bytes) {
      return bytes == null ? 0 : bytes.length;
    }
  }

  /**
   * Returns the record of a letter.
   *
   * @param accepted whether the topic accepts a record. It has to accept one with none of the
   *     source record's pieces, which has a few kilobytes
   */
  ProducerRecord<byte[], byte[]> of(
      DeadLetter letter, Predicate<ProducerRecord<byte[], byte[]>> accepted) {
    ProducerRecord<byte[], byte[]> record = record(letter, Set.of());
    if (accepted.test(record)) {
      return record;
    }
    Set<Piece> missing = EnumSet.noneOf(Piece.class);
    List<Piece> largestFirst = new ArrayList<>(List.of(Piece.values()));
    largestFirst.sort(Comparator.comparingLong((Piece piece) -> piece.bytes(letter)).reversed());
    for (Piece piece : largestFirst) {
      missing.add(piece);
      record = record(letter, missing);
      if (accepted.test(record)) {
        break;
      }
    }
    return record;
  }

  /** Returns whether a record made by this lacks something of its source record. */
  static boolean isTruncated(ProducerRecord<byte[], byte[]> record) {
    // The source record may have been a truncated letter, but ours is the last header.
    Header[] headers = record.headers().toArray();
    return headers[headers.length - 1].key().equals(TRUNCATED);
  }

  private ProducerRecord<byte[], byte[]> record(DeadLetter letter, Set<Piece> missing) {
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(
            topic,
            missing.contains(Piece.KEY) ? null : letter.key(),
            missing.contains(Piece.VALUE) ? null : letter.value());
    Headers headers = record.headers();
    if (!missing.contains(Piece.HEADERS)) {
      letter.headers().forEach(header -> headers.add(header.key(), header.value()));
    }
    headers.add("spanfold-reason", letter.reason().getBytes(UTF_8));
    headers.add(TOPIC, letter.topic().getBytes(UTF_8));
    SourcePosition position = letter.position();
    headers.add(PARTITION, Integer.toString(position.partition()).getBytes(UTF_8));
    headers.add(OFFSET, Long.toString(position.offset()).getBytes(UTF_8));
    if (position.index() > 0) {
      headers.add(INDEX, Integer.toString(position.index()).getBytes(UTF_8));
    }
    headers.add("spanfold-error", shortened(letter.error()).getBytes(UTF_8));
    if (!missing.isEmpty()) {
      headers.add(TRUNCATED, names(missing).getBytes(UTF_8));
    }
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

  private static String names(Set<Piece> pieces) {
    return pieces.stream()
        .map(piece -> piece.name().toLowerCase(Locale.ROOT))
        .collect(Collectors.joining(","));
  }

  private static String shortened(String error) {
    return error.length() <= MAX_ERROR_CHARACTERS
        ? error
        : error.substring(0, MAX_ERROR_CHARACTERS) + "...";
  }
}

package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import io.spanfold.core.model.Outcome;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.commons.codec.digest.MurmurHash3;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;

/**
 * Writes flushed parts as Kafka records, and recognises them. A message has its flush id; outcomes
 * have an id that follows from the part's name. A part that is made again while some of it is lost
 * has other messages, but then it has outcomes too.
 */
record SegmentRecords(String segmentsTopic, OutcomeRecords outcomes) implements Serializable {

  /** The header of an outcome that names the part it belongs to. */
  private static final String FLUSH_ID = "flush_id";

  private static final byte[] VALUE_START = "{\"flush_id\":\"".getBytes(US_ASCII);
  private static final int ID_LENGTH = 32;

  SegmentRecords(String segmentsTopic, String outcomesTopic) {
    this(segmentsTopic, new OutcomeRecords(outcomesTopic, FLUSH_ID));
  }

  /** Returns the records of {@code part}: its messages in order, then its outcomes. */
  List<ProducerRecord<byte[], byte[]>> of(FlushedPart part) {
    List<ProducerRecord<byte[], byte[]>> records =
        new ArrayList<>(part.messages().size() + part.outcomes().size());
    byte[] key = part.receipt().trace().toString().getBytes(UTF_8);
    for (SegmentMessage message : part.messages()) {
      records.add(segment(part.receipt(), key, message));
    }
    for (Outcome outcome : part.outcomes()) {
      records.add(outcomes.of(outcome, outcomesId(part.receipt().part())));
    }
    return records;
  }

  List<String> topics() {
    return List.of(segmentsTopic, outcomes.topic());
  }

  /** Returns the ids that records of a part may have; none if it has no records. */
  static Set<String> ids(Receipt part) {
    if (part.request() instanceof Discard) {
      return Set.of(); // It has no records.
    }
    Set<String> ids = new HashSet<>(part.flushIds());
    ids.add(outcomesId(part.part()));
    return ids;
  }

  /** Returns the id of a record; null if it is neither a message nor an outcome of a part. */
  String id(ConsumerRecord<byte[], byte[]> record) {
    String outcome = outcomes.id(record.headers());
    return outcome != null ? outcome : flushId(record.value());
  }

  private static String flushId(byte[] value) {
    if (value == null
        || value.length < VALUE_START.length + ID_LENGTH
        || Arrays.mismatch(value, VALUE_START) != VALUE_START.length) {
      return null;
    }
    return new String(value, VALUE_START.length, ID_LENGTH, US_ASCII);
  }

  /** Returns the id of all outcomes of a part: 32 hexadecimal digits, a hash of the part's name. */
  private static String outcomesId(DuePart part) {
    long[] hash =
        MurmurHash3.hash128x64(
            ByteBuffer.allocate(5 * Long.BYTES + Integer.BYTES)
                .putLong(part.trace().projectId())
                .putLong(part.trace().traceHigh())
                .putLong(part.trace().traceLow())
                .putLong(part.segmentId())
                .putInt(part.partNumber())
                // Numbers start at 0 again after a segment was forgotten; times do not repeat.
                .putLong(part.dueAt())
                .array());
    return Hex.id(hash[0], hash[1]);
  }

  private ProducerRecord<byte[], byte[]> segment(
      Receipt receipt, byte[] key, SegmentMessage message) {
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(segmentsTopic, key, message.value());
    Headers headers = record.headers();
    headers.add("flush-reason", receipt.reason().label().getBytes(UTF_8));
    headers.add("part", text(receipt.partNumber()));
    headers.add("chunk", text(message.chunkNumber()));
    headers.add("chunks", text(message.chunkCount()));
    return record;
  }

  private static byte[] text(long number) {
    return Long.toString(number).getBytes(UTF_8);
  }
}

package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.Discard;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.TraceKey;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.commons.codec.digest.MurmurHash3;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

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

  private static final Map<FlushReason, Header> REASON = reasons();
  private static final DecimalHeaders PART = new DecimalHeaders("part");
  private static final DecimalHeaders CHUNK = new DecimalHeaders("chunk");
  private static final DecimalHeaders CHUNKS = new DecimalHeaders("chunks");

  SegmentRecords(String segmentsTopic, String outcomesTopic) {
    this(segmentsTopic, new OutcomeRecords(outcomesTopic, FLUSH_ID));
  }

  /** Returns the records of {@code part}: its messages in order, then its outcomes. */
  List<ProducerRecord<byte[], byte[]>> of(FlushedPart part) {
    List<ProducerRecord<byte[], byte[]>> records =
        new ArrayList<>(part.messages().size() + part.outcomes().size());
    byte[] key = key(part.receipt().trace());
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

  /** Headers are shared between records: a record's list can change, its headers cannot. */
  private ProducerRecord<byte[], byte[]> segment(
      Receipt receipt, byte[] key, SegmentMessage message) {
    return new ProducerRecord<>(
        segmentsTopic,
        null,
        key,
        message.value(),
        List.of(
            REASON.get(receipt.reason()),
            PART.of(receipt.partNumber()),
            CHUNK.of(message.chunkNumber()),
            CHUNKS.of(message.chunkCount())));
  }

  /** Returns {@link TraceKey#toString()} as bytes. */
  private static byte[] key(TraceKey trace) {
    byte[] project = Long.toString(trace.projectId()).getBytes(US_ASCII);
    byte[] key = Arrays.copyOf(project, project.length + 1 + ID_LENGTH);
    key[project.length] = ':';
    Hex.write(trace.traceHigh(), key, project.length + 1);
    Hex.write(trace.traceLow(), key, project.length + 1 + ID_LENGTH / 2);
    return key;
  }

  private static Map<FlushReason, Header> reasons() {
    Map<FlushReason, Header> headers = new EnumMap<>(FlushReason.class);
    for (FlushReason reason : FlushReason.values()) {
      headers.put(reason, new RecordHeader("flush-reason", reason.label().getBytes(US_ASCII)));
    }
    return headers;
  }
}

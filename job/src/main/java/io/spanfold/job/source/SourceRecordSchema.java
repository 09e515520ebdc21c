package io.spanfold.job.source;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.SourceRecord;
import io.spanfold.job.serialization.StateType;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/** Forwards Kafka's records unparsed: a later operator parses them, and can emit dead letters. */
public final class SourceRecordSchema implements KafkaRecordDeserializationSchema<SourceRecord> {

  private static final long serialVersionUID = 1L;

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> consumed, Collector<SourceRecord> out) {
    out.collect(record(consumed));
  }

  public static SourceRecord record(ConsumerRecord<byte[], byte[]> consumed) {
    List<DeadLetter.Header> headers = List.of();
    for (Header header : consumed.headers()) {
      if (headers.isEmpty()) {
        headers = new ArrayList<>();
      }
      headers.add(new DeadLetter.Header(header.key(), header.value()));
    }
    return new SourceRecord(
        consumed.topic(),
        consumed.partition(),
        consumed.offset(),
        consumed.key(),
        consumed.value(),
        headers);
  }

  @Override
  public TypeInformation<SourceRecord> getProducedType() {
    return StateType.SOURCE_RECORD;
  }
}

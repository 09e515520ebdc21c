package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.core.model.FlushedPart.Receipt;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.flink.metrics.MetricGroup;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Recognises parts in the topics of segments and outcomes. A message has its flush id; outcomes
 * have one that the part's name gives. A part that is made again while some of it is lost has other
 * messages, but then it has outcomes too.
 */
final class SegmentContents implements RecoveryStrategy<Receipt> {

  private static final byte[] VALUE_START = "{\"flush_id\":\"".getBytes(US_ASCII);
  private static final int ID_LENGTH = 32;

  private final SegmentRecords records;
  private final Rebuild.Factory rebuild;
  private final MetricGroup metrics;
  private Rebuild again;

  SegmentContents(SegmentRecords records, Rebuild.Factory rebuild, MetricGroup metrics) {
    this.records = records;
    this.rebuild = rebuild;
    this.metrics = metrics;
  }

  @Override
  public List<String> topics() {
    return records.topics();
  }

  @Override
  public Set<String> ids(Receipt part) {
    if (part.candidate().spanCount() == 0) {
      return Set.of(); // Nothing but subsegments to delete, as all their spans were duplicates.
    }
    Set<String> ids = new HashSet<>(part.flushIds());
    ids.add(SegmentRecords.outcomesId(part.candidate()));
    return ids;
  }

  @Override
  public String id(ConsumerRecord<byte[], byte[]> record) {
    String outcome = records.outcomesId(record.headers());
    return outcome != null ? outcome : flushId(record.value());
  }

  @Override
  public int records(List<Receipt> parts, Consumer<ProducerRecord<byte[], byte[]>> sent)
      throws IOException, InterruptedException {
    if (again == null) {
      again = rebuild.create(metrics);
    }
    again.rebuild(parts, part -> records.of(part).forEach(sent));
    return parts.size();
  }

  @Override
  public void close() throws IOException {
    if (again != null) {
      again.close();
    }
  }

  private static String flushId(byte[] value) {
    if (value == null || value.length < VALUE_START.length + ID_LENGTH) {
      return null;
    }
    for (int i = 0; i < VALUE_START.length; i++) {
      if (value[i] != VALUE_START[i]) {
        return null;
      }
    }
    return new String(value, VALUE_START.length, ID_LENGTH, US_ASCII);
  }
}

package io.spanfold.job.sink;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.job.recovery.OffsetReader;
import io.spanfold.job.recovery.PayloadRecoverySettings;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Recognises dead letters by where their records stand in the source topic, and makes them again
 * from there. The letters that it is given hold neither key, value nor headers. In memory is what
 * one fetch brings, beside what the producer has not sent. For use by one thread, which it blocks.
 */
final class DeadLetterContents implements RecoveryStrategy<DeadLetter> {

  private static final Logger LOG = LoggerFactory.getLogger(DeadLetterContents.class);

  private final DeadLetterRecords records;
  private final PayloadRecoverySettings source;
  private final Counter lost;

  /**
   * @param records lays out records
   * @param source where the source records are
   * @param metrics where to count what is lost
   */
  DeadLetterContents(
      DeadLetterRecords records, PayloadRecoverySettings source, MetricGroup metrics) {
    this.records = records;
    this.source = source;
    this.lost = metrics.counter("deadLettersLost");
  }

  @Override
  public List<String> topics() {
    return List.of(records.topic());
  }

  @Override
  public Set<String> ids(DeadLetter letter) {
    return Set.of(DeadLetterRecords.id(letter));
  }

  @Override
  public String id(ConsumerRecord<byte[], byte[]> record) {
    return DeadLetterRecords.id(record);
  }

  @Override
  public int records(List<DeadLetter> letters, Consumer<ProducerRecord<byte[], byte[]>> made)
      throws IOException, InterruptedException {
    List<DeadLetter> gone = new ArrayList<>();
    SortedMap<Integer, SortedMap<Long, DeadLetter>> places = new TreeMap<>();
    for (DeadLetter letter : letters) {
      if (letter.topic().equals(source.topic())) {
        places
            .computeIfAbsent(letter.partition(), p -> new TreeMap<>())
            .put(letter.offset(), letter);
      } else {
        gone.add(letter); // of before the source topic was changed
      }
    }
    SortedMap<Integer, long[]> wanted = new TreeMap<>();
    places.forEach(
        (partition, offsets) ->
            wanted.put(partition, offsets.keySet().stream().mapToLong(Long::longValue).toArray()));
    try (OffsetReader reader = OffsetReader.open(source)) {
      reader.read(
          wanted,
          record -> {
            DeadLetter letter = places.get(record.partition()).remove(record.offset());
            made.accept(records.of(record.rejected(letter.reason(), letter.error())));
          });
    }
    places.values().forEach(left -> gone.addAll(left.values()));
    for (DeadLetter letter : gone) {
      LOG.warn(
          "A dead letter is lost: its transaction was aborted, and {} no longer has its record at"
              + " {}-{} offset {} ({}).",
          source.topic(),
          letter.topic(),
          letter.partition(),
          letter.offset(),
          letter.reason());
    }
    lost.inc(gone.size());
    return letters.size() - gone.size();
  }

  @Override
  public void close() {}
}

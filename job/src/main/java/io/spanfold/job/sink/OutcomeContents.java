package io.spanfold.job.sink;

import io.spanfold.core.model.TalliedOutcome;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Recognises outcomes by their ids, and makes them again from what the committable holds: all. */
record OutcomeContents(OutcomeRecords records) implements RecoveryStrategy<TalliedOutcome> {

  @Override
  public List<String> topics() {
    return List.of(records.topic());
  }

  @Override
  public Set<String> ids(TalliedOutcome outcome) {
    return Set.of(outcome.id());
  }

  @Override
  public String id(ConsumerRecord<byte[], byte[]> record) {
    return records.id(record.headers());
  }

  @Override
  public int records(List<TalliedOutcome> outcomes, Consumer<ProducerRecord<byte[], byte[]>> made) {
    outcomes.forEach(tallied -> made.accept(records.of(tallied.outcome(), tallied.id())));
    return outcomes.size();
  }

  @Override
  public void close() {}
}

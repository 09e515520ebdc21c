package io.spanfold.job.sink;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.job.sink.RecoveryStrategy.Recovery;
import io.spanfold.job.sink.TransactionCommittable.Pending;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.api.connector.sink2.Committer.CommitRequest;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of the pending items of a committable. */
class RecoveringCommitterTest {

  private static final String TASK = "this attempt";

  private final List<Long> cleanedUp = new ArrayList<>();

  /** The number of retries is in Flink's state, so it says nothing about this attempt. */
  @ParameterizedTest
  @ValueSource(ints = {0, 5})
  void takesOverWhatAnotherAttemptLeftBeforeItsOwnItems(int retries) throws Exception {
    commit(new Request(committable("another attempt"), retries));

    assertThat(cleanedUp).containsExactly(1L, 2L, 3L, 4L);
  }

  @Test
  void doesNotRepeatWhatItHasInMemory() throws Exception {
    commit(new Request(committable(TASK), 0));

    assertThat(cleanedUp).containsExactly(4L);
  }

  @Test
  void takesOverOnceHoweverOftenACommitIsTried() throws Exception {
    TransactionCommittable<Receipt> committable =
        new TransactionCommittable<>(
            RecoverableKafkaSinkTest.TRANSACTION,
            Map.of(),
            TestParts.receipts(LongStream.of(4)),
            committable("another attempt").pending(),
            false);
    RecoveringCommitter<Receipt> committer =
        new RecoveringCommitter<>(new SilentBroker(), new Recorder(), null, TASK);
    for (int retries = 0; retries < 3; retries++) {
      committer.commit(List.of(new Request(committable, retries)));
    }

    assertThat(cleanedUp).containsExactly(1L, 2L, 3L);
  }

  /** What Kafka's committer does while its broker does not answer. */
  private static final class SilentBroker implements Committer<KafkaCommittable> {
    @Override
    public void commit(Collection<CommitRequest<KafkaCommittable>> requests) {
      requests.forEach(CommitRequest::retryLater);
    }

    @Override
    public void close() {}
  }

  /** Without a transaction nothing is asked of Kafka. */
  private static TransactionCommittable<Receipt> committable(String task) throws IOException {
    return new TransactionCommittable<>(
        null,
        Map.of(),
        TestParts.receipts(LongStream.of(4)),
        new Pending<>(
            task,
            List.of(TestParts.receipts(LongStream.of(1)), TestParts.receipts(LongStream.of(2, 3)))),
        false);
  }

  private void commit(Request request) throws Exception {
    new RecoveringCommitter<>(null, new Recorder(), null, TASK).commit(List.of(request));
  }

  private record Request(TransactionCommittable<Receipt> committable, int retries)
      implements CommitRequest<TransactionCommittable<Receipt>> {

    @Override
    public TransactionCommittable<Receipt> getCommittable() {
      return committable;
    }

    @Override
    public int getNumberOfRetries() {
      return retries;
    }

    @Override
    public void signalFailedWithKnownReason(Throwable reason) {
      throw new AssertionError(reason);
    }

    @Override
    public void signalFailedWithUnknownReason(Throwable reason) {
      throw new AssertionError(reason);
    }

    @Override
    public void retryLater() {}

    @Override
    public void updateAndRetryLater(TransactionCommittable<Receipt> other) {
      throw new AssertionError("nothing has failed");
    }

    @Override
    public void signalAlreadyCommitted() {
      throw new AssertionError("nothing was committed");
    }
  }

  private final class Recorder implements Recovery<Receipt> {

    @Override
    public void committed(EncodedItems<Receipt> items) {
      items.forEach(receipt -> cleanedUp.add(receipt.segmentId()));
    }

    @Override
    public Set<String> ids(Receipt item) {
      return Set.of();
    }

    @Override
    public String id(ConsumerRecord<byte[], byte[]> record) {
      return null;
    }

    @Override
    public int records(List<Receipt> items, Consumer<ProducerRecord<byte[], byte[]>> records) {
      return 0;
    }
  }
}

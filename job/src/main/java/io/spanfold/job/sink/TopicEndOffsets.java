package io.spanfold.job.sink;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows the end offsets of topics from before a transaction: its records are at or after them. It
 * asks the broker ahead, while the stream continues, so that a transaction usually has its answer
 * when it begins.
 *
 * <p>The answer that a transaction gets may be older than the transaction; it was complete before,
 * never after. An older one is right, too. {@link CommittedRecordLookup} uses it only as the place
 * where it starts to read: it then reads more, up to the same end. The records that it reads in
 * addition are not of the transaction, so they could only mislead if they had the id of one of its
 * items. Ids name contents, and a job that is started anew without state emits the same contents
 * again. But an answer is never older than the attempt, as each has a writer of its own, and within
 * an attempt an item is in one transaction only.
 *
 * <p>For use by one thread. It makes its client when it is first asked.
 */
final class TopicEndOffsets implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(TopicEndOffsets.class);
  private static final long TIMEOUT_SECONDS = 10;

  /**
   * How old an answer may be. A lookup reads what was written in this time in addition, which takes
   * seconds.
   */
  static final Duration MOST_AGE = Duration.ofMinutes(1);

  /**
   * An answer of the broker.
   *
   * @param offsets the end offsets
   * @param askedAt when it was asked for, by the clock
   */
  private record Answer(Map<TopicPartition, Long> offsets, long askedAt) {}

  private final Properties client;
  private final List<String> topics;
  private final LongSupplier nanoTime;
  private Admin admin;
  private CompletableFuture<Answer> question = CompletableFuture.completedFuture(null);

  /** The last answer; written by the client's thread. */
  private volatile Answer known;

  private volatile boolean closed;

  /**
   * @param client the properties of its client
   */
  TopicEndOffsets(Properties client, List<String> topics) {
    this(client, topics, System::nanoTime);
  }

  TopicEndOffsets(Properties client, List<String> topics, LongSupplier nanoTime) {
    this.client = client;
    this.topics = topics;
    this.nanoTime = nanoTime;
  }

  /**
   * Returns end offsets from before this call. Waits for the broker only if the last answer is too
   * old, or there is none: in the first transaction, after a pause, or while the broker does not
   * answer. In the last case it waits ten seconds, and returns the last answer however old it is.
   * Search a partition that is missing in the result from its beginning.
   */
  Map<TopicPartition, Long> beforeTransaction() throws InterruptedException {
    Answer answer = known;
    if (answer == null || nanoTime.getAsLong() - answer.askedAt() > MOST_AGE.toNanos()) {
      askAhead();
      try {
        question.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
      } catch (ExecutionException e) {
        LOG.debug("The failure of the question is logged where it is asked.", e);
      } catch (TimeoutException e) {
        LOG.warn(
            "Kafka does not return the end offsets of {}; the last known are used.", topics, e);
      }
      answer = known;
    }
    return answer == null ? Map.of() : answer.offsets();
  }

  /** Asks the broker unless it still owes an answer. Waits for nothing. */
  void askAhead() {
    if (!question.isDone()) {
      return;
    }
    long now = nanoTime.getAsLong();
    try {
      if (admin == null) {
        admin = Admin.create(client);
      }
      question =
          admin
              .describeTopics(topics)
              .allTopicNames()
              .toCompletionStage()
              .thenCompose(this::ends)
              .thenApply(ends -> new Answer(offsets(ends), now))
              .toCompletableFuture()
              .whenComplete(this::answered);
    } catch (KafkaException e) {
      answered(null, e);
    }
  }

  private CompletionStage<Map<TopicPartition, ListOffsetsResultInfo>> ends(
      Map<String, TopicDescription> described) {
    Map<TopicPartition, OffsetSpec> partitions = new HashMap<>();
    described.forEach(
        (topic, description) ->
            description
                .partitions()
                .forEach(
                    partition ->
                        partitions.put(
                            new TopicPartition(topic, partition.partition()),
                            OffsetSpec.latest())));
    return admin.listOffsets(partitions).all().toCompletionStage();
  }

  private static Map<TopicPartition, Long> offsets(
      Map<TopicPartition, ListOffsetsResultInfo> ends) {
    Map<TopicPartition, Long> offsets = new HashMap<>();
    ends.forEach((partition, end) -> offsets.put(partition, end.offset()));
    return Map.copyOf(offsets);
  }

  private void answered(Answer answer, Throwable failure) {
    if (failure == null) {
      known = answer;
    } else if (!closed) {
      LOG.warn(
          "Kafka does not return the end offsets of {}; the last known are used.", topics, failure);
    }
  }

  @Override
  public void close() {
    closed = true;
    if (admin != null) {
      admin.close(Duration.ofSeconds(TIMEOUT_SECONDS));
    }
  }
}

package io.spanfold.job.source;

import io.spanfold.job.time.SourceClock;
import java.time.Duration;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the leaders of partitions for the offsets of their first, their last stable and their last
 * record every second, in a thread of its own. Only while they answer does the silence of a reader
 * mean that there is nothing to read.
 */
final class LeaderOffsets implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(LeaderOffsets.class);

  private static final Duration INTERVAL = Duration.ofSeconds(1);
  private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(2);
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

  private final Properties properties;
  private final SourceClock clock;
  private final Set<TopicPartition> partitions = ConcurrentHashMap.newKeySet();

  private final ScheduledExecutorService poller =
      Executors.newSingleThreadScheduledExecutor(LeaderOffsets::thread);

  /** Null before the first question, and after a failure. */
  private volatile Admin admin;

  /**
   * Makes an instance that asks nothing yet.
   *
   * @param clients properties of Kafka's clients
   * @param clock has the progress that receives the answers
   */
  LeaderOffsets(Properties clients, SourceClock clock) {
    this.properties = new Properties();
    properties.putAll(clients);
    String timeout = Long.toString(ANSWER_TIMEOUT.toMillis());
    properties.setProperty(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, timeout);
    properties.setProperty(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, timeout);
    this.clock = clock;
  }

  private static Thread thread(Runnable polls) {
    Thread thread = new Thread(polls, "leader offsets of the source");
    thread.setDaemon(true);
    thread.setContextClassLoader(LeaderOffsets.class.getClassLoader());
    return thread;
  }

  /** Asks for this partition as well from now on. Called by the reader's thread. */
  void add(TopicPartition partition) {
    if (partitions.add(partition) && partitions.size() == 1) {
      poller.scheduleAtFixedRate(this::poll, 0, INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private void poll() {
    try {
      if (admin == null) {
        admin = Admin.create(properties);
      }
      ask(Set.copyOf(partitions));
    } catch (RuntimeException e) {
      // For instance, a broker's name cannot be resolved now. Any exception, because it would end
      // the polling.
      LOG.warn(
          "The end offsets of the source are unknown, so its clock does not advance while it is"
              + " idle. If this continues, check kafka.properties.",
          e);
      closeAdmin();
    }
  }

  /** Waits for no answer: a leader that is away delays none of the others. */
  private void ask(Set<TopicPartition> asked) {
    long askedNanos = System.nanoTime();
    ListOffsetsResult starts = ask(asked, OffsetSpec.earliest(), IsolationLevel.READ_UNCOMMITTED);
    ListOffsetsResult ends = ask(asked, OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED);
    ListOffsetsResult stable = ask(asked, OffsetSpec.latest(), IsolationLevel.READ_COMMITTED);
    for (TopicPartition partition : asked) {
      CompletableFuture<Long> start = offset(starts, partition);
      CompletableFuture<Long> end = offset(ends, partition);
      CompletableFuture<Long> committed = offset(stable, partition);
      CompletableFuture.allOf(start, end, committed)
          .whenComplete(
              (all, failure) -> {
                if (failure == null) {
                  clock
                      .progress(partition.partition())
                      .answered(start.join(), committed.join(), end.join(), askedNanos);
                } else {
                  LOG.debug("The leader of {} does not answer", partition, failure);
                }
              });
    }
  }

  private ListOffsetsResult ask(
      Set<TopicPartition> asked, OffsetSpec which, IsolationLevel isolation) {
    return admin.listOffsets(
        asked.stream().collect(Collectors.toMap(Function.identity(), partition -> which)),
        new ListOffsetsOptions(isolation));
  }

  private static CompletableFuture<Long> offset(
      ListOffsetsResult answers, TopicPartition partition) {
    return answers
        .partitionResult(partition)
        .toCompletionStage()
        .thenApply(ListOffsetsResult.ListOffsetsResultInfo::offset)
        .toCompletableFuture();
  }

  private void closeAdmin() {
    if (admin != null) {
      admin.close(ANSWER_TIMEOUT);
      admin = null;
    }
  }

  @Override
  public void close() throws InterruptedException {
    poller.shutdown();
    poller.awaitTermination(CLOSE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    closeAdmin();
  }
}

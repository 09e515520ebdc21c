package io.spanfold.job.source;

import io.spanfold.job.time.ReadingStatus;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
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
 * Asks the leaders of partitions for the end offsets every second, in a thread of its own. Only
 * while they answer does the silence of a reader mean that there is nothing to read.
 */
final class EndOffsets implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(EndOffsets.class);

  private static final Duration INTERVAL = Duration.ofSeconds(1);
  private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(2);
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

  private final Properties properties;
  private final ReadingStatus status;
  private final Set<TopicPartition> partitions = ConcurrentHashMap.newKeySet();

  private final ScheduledExecutorService poller =
      Executors.newSingleThreadScheduledExecutor(EndOffsets::thread);

  /** Null before the first question, and after a failure. */
  private volatile Admin admin;

  /**
   * Makes an instance that asks nothing yet.
   *
   * @param clients properties of Kafka's clients
   * @param status receives the answers
   */
  EndOffsets(Properties clients, ReadingStatus status) {
    this.properties = new Properties();
    properties.putAll(clients);
    String timeout = Long.toString(ANSWER_TIMEOUT.toMillis());
    properties.setProperty(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, timeout);
    properties.setProperty(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, timeout);
    this.status = status;
  }

  private static Thread thread(Runnable polls) {
    Thread thread = new Thread(polls, "end offsets of the source");
    thread.setDaemon(true);
    thread.setContextClassLoader(EndOffsets.class.getClassLoader());
    return thread;
  }

  /** Asks for this partition as well from now on. Called by the reader's thread. */
  void add(TopicPartition partition) {
    if (partitions.add(partition) && partitions.size() == 1) {
      poller.scheduleWithFixedDelay(this::poll, 0, INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private void poll() {
    try {
      if (admin == null) {
        admin = Admin.create(properties);
      }
      ask();
    } catch (RuntimeException e) {
      // For instance, a broker's name cannot be resolved now. Any exception, because it would end
      // the polling.
      LOG.warn(
          "The end offsets of the source are unknown, so its clock does not advance while it is"
              + " idle. If this continues, check kafka.properties.",
          e);
      closeAdmin();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void ask() throws InterruptedException {
    Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
    partitions.forEach(partition -> latest.put(partition, OffsetSpec.latest()));
    ListOffsetsResult answers =
        admin.listOffsets(latest, new ListOffsetsOptions(IsolationLevel.READ_COMMITTED));
    for (TopicPartition partition : latest.keySet()) {
      try {
        status.answered(partition.partition(), answers.partitionResult(partition).get().offset());
      } catch (ExecutionException e) {
        LOG.debug("The leader of {} does not answer", partition, e.getCause());
      }
    }
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

package io.spanfold.job.source;

import io.spanfold.job.time.ReadingStatus;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the leaders of partitions where these end, each second, in a thread of its own: silence of a
 * reader means something only while they answer.
 */
final class EndOffsets implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(EndOffsets.class);

  private static final int ANSWER_MILLIS = 2_000;
  private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long END_MILLIS = 5_000;

  private final Properties properties;
  private final ReadingStatus status;
  private final Set<TopicPartition> partitions = ConcurrentHashMap.newKeySet();
  private final Thread thread;
  private boolean ended;

  /**
   * Makes one that asks nothing yet.
   *
   * @param given properties of Kafka's clients
   * @param status is told the answers
   */
  EndOffsets(Properties given, ReadingStatus status) {
    this.properties = new Properties();
    given.forEach(properties::put);
    properties.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, Integer.toString(ANSWER_MILLIS));
    properties.put(
        AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, Integer.toString(ANSWER_MILLIS));
    this.status = status;
    this.thread = new Thread(this::run, "end offsets of the source");
    thread.setDaemon(true);
    thread.setContextClassLoader(EndOffsets.class.getClassLoader());
  }

  void start() {
    thread.start();
  }

  /** Asks for a partition too, from now on. */
  synchronized void add(TopicPartition partition) {
    partitions.add(partition);
    notifyAll();
  }

  private void run() {
    try {
      if (awaitPartition()) {
        do {
          askOn();
        } while (pause());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Asks until it is to end, or its client fails: as where the broker's name is not known now. */
  private void askOn() throws InterruptedException {
    try (Admin admin = Admin.create(properties)) {
      do {
        ask(admin);
      } while (pause());
    } catch (KafkaException e) {
      LOG.warn(
          "The source's end offsets cannot be asked for, so its clock does not go on where nothing"
              + " comes; where it stays so, check kafka.properties.",
          e);
    }
  }

  private void ask(Admin admin) throws InterruptedException {
    Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
    partitions.forEach(partition -> latest.put(partition, OffsetSpec.latest()));
    ListOffsetsResult answers =
        admin.listOffsets(latest, new ListOffsetsOptions(IsolationLevel.READ_COMMITTED));
    for (TopicPartition partition : latest.keySet()) {
      try {
        status.answered(partition.partition(), answers.partitionResult(partition).get().offset());
      } catch (ExecutionException e) {
        LOG.debug("No answer of the leader of {}", partition, e.getCause());
      }
    }
  }

  private synchronized boolean awaitPartition() throws InterruptedException {
    while (!ended && partitions.isEmpty()) {
      wait();
    }
    return !ended;
  }

  private synchronized boolean pause() throws InterruptedException {
    long until = System.nanoTime() + INTERVAL_NANOS;
    while (!ended && until - System.nanoTime() > 0) {
      TimeUnit.NANOSECONDS.timedWait(this, until - System.nanoTime());
    }
    return !ended;
  }

  @Override
  public void close() throws InterruptedException {
    synchronized (this) {
      ended = true;
      notifyAll();
    }
    TimeUnit.MILLISECONDS.timedJoin(thread, END_MILLIS);
  }
}

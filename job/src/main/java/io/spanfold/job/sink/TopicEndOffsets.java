package io.spanfold.job.sink;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the end offsets of topics before a transaction begins: its records are after them. For use
 * by one thread, which it blocks for two requests. It makes its client when it is first asked.
 */
final class TopicEndOffsets implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(TopicEndOffsets.class);
  private static final long TIMEOUT_SECONDS = 10;

  private final Properties client;
  private final List<String> topics;
  private Admin admin;
  private Map<TopicPartition, Long> latest = Map.of();

  /**
   * @param client the properties of its client
   */
  TopicEndOffsets(Properties client, List<String> topics) {
    this.client = client;
    this.topics = topics;
  }

  /**
   * Returns the current end offsets of the topics. If Kafka does not answer, it returns the last
   * answer: those offsets are lower, which only makes a later search read more. Search a partition
   * that is missing in the result from its beginning.
   */
  Map<TopicPartition, Long> now() throws InterruptedException {
    try {
      if (admin == null) {
        admin = Admin.create(client);
      }
      Map<TopicPartition, OffsetSpec> partitions = new HashMap<>();
      Map<String, TopicDescription> described =
          admin.describeTopics(topics).allTopicNames().get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
      described.forEach(
          (topic, description) ->
              description
                  .partitions()
                  .forEach(
                      partition ->
                          partitions.put(
                              new TopicPartition(topic, partition.partition()),
                              OffsetSpec.latest())));
      Map<TopicPartition, ListOffsetsResultInfo> ends =
          admin.listOffsets(partitions).all().get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
      Map<TopicPartition, Long> offsets = new HashMap<>();
      ends.forEach((partition, end) -> offsets.put(partition, end.offset()));
      latest = Map.copyOf(offsets);
    } catch (ExecutionException | TimeoutException | KafkaException e) {
      LOG.warn("Kafka does not return the end offsets of {}; the last known are used.", topics, e);
    }
    return latest;
  }

  @Override
  public void close() {
    if (admin != null) {
      admin.close(Duration.ofSeconds(TIMEOUT_SECONDS));
    }
  }
}

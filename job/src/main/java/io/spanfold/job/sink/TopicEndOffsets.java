package io.spanfold.job.sink;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows where topics end before a transaction begins: its records come after. For use by one
 * thread, which it blocks for two requests.
 */
final class TopicEndOffsets implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(TopicEndOffsets.class);
  private static final long TIMEOUT_SECONDS = 10;

  private final Admin admin;
  private final List<String> topics;
  private Map<TopicPartition, Long> latest = Map.of();

  /** Makes one that owns {@code admin}. */
  TopicEndOffsets(Admin admin, List<String> topics) {
    this.admin = admin;
    this.topics = topics;
  }

  /**
   * Returns where the topics end now. Where Kafka does not tell, it is what it told last: that is
   * too early, so all that follows is that more is read where something is to be looked for. A
   * partition that is missing is to be looked through from its beginning.
   */
  Map<TopicPartition, Long> now() throws InterruptedException {
    try {
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
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn("Kafka does not tell where {} end; former ends are kept instead.", topics, e);
    }
    return latest;
  }

  @Override
  public void close() {
    admin.close(Duration.ofSeconds(TIMEOUT_SECONDS));
  }
}

package io.spanfold.job.sink;

import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import io.spanfold.job.kafka.KafkaClientProperties;
import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks for committed records in topics, from given offsets on. Holds one fetch and the ids in
 * memory. For use by one thread, which it blocks.
 *
 * <p>Committed records can be read up to the first open transaction. From there to the topic's end
 * the lookup reads uncommitted records. Usually they are of other transactions, and none of them is
 * wanted. If one is, it is undecided whether it will be committed, and the lookup waits for the end
 * of the open transaction. It waits for no other transaction: that may be one of the waiting task.
 */
final class CommittedRecordLookup {

  private static final Logger LOG = LoggerFactory.getLogger(CommittedRecordLookup.class);
  private static final Duration POLL = Duration.ofMillis(200);
  private static final String FETCH_BYTES = Integer.toString(8 * 1024 * 1024);

  private final KafkaSettings clients;
  private final Duration timeout;

  /**
   * @param timeout how long reading may make no progress
   */
  CommittedRecordLookup(KafkaSettings clients, Duration timeout) {
    this.clients = clients;
    this.timeout = timeout;
  }

  /**
   * Returns the ids that have a committed record. Sees all records committed before the call.
   *
   * @param since the offsets to start from. Lower ones find the same, and more if the topics have
   *     older records with the wanted ids. A partition that is not named is read from its beginning
   * @param wanted the ids
   * @param idOf returns a record's id; null if it has none
   * @throws IOException if that cannot be decided now
   */
  Set<String> find(
      List<String> topics,
      Map<TopicPartition, Long> since,
      Set<String> wanted,
      Function<ConsumerRecord<byte[], byte[]>, String> idOf)
      throws IOException {
    Set<String> found = new HashSet<>();
    if (wanted.isEmpty()) {
      return found;
    }
    try (KafkaConsumer<byte[], byte[]> committed = consumer("read_committed");
        KafkaConsumer<byte[], byte[]> uncommitted = consumer("read_uncommitted")) {
      Collection<TopicPartition> partitions = partitions(committed, topics);
      // In this order there is no gap between the two ranges.
      Map<TopicPartition, Long> stable = committed.endOffsets(partitions);
      Map<TopicPartition, Long> ends = uncommitted.endOffsets(partitions);
      read(
          committed,
          starts(committed, partitions, since, stable),
          stable,
          record -> addIfWanted(idOf.apply(record), wanted, found));

      Map<TopicPartition, Long> undecided = new HashMap<>();
      read(
          uncommitted,
          starts(uncommitted, partitions, max(stable, since), ends),
          ends,
          record -> {
            String id = idOf.apply(record);
            if (id != null && wanted.contains(id) && !found.contains(id)) {
              undecided.put(
                  new TopicPartition(record.topic(), record.partition()), record.offset() + 1);
            }
          });
      if (!undecided.isEmpty()) {
        LOG.info("Waiting for the end of open transactions in {}.", undecided.keySet());
        read(
            committed,
            starts(committed, undecided.keySet(), max(stable, since), undecided),
            undecided,
            record -> addIfWanted(idOf.apply(record), wanted, found));
      }
    }
    return found;
  }

  private KafkaConsumer<byte[], byte[]> consumer(String isolation) {
    // Retention may delete the next record.
    Properties properties = KafkaClientProperties.consumer(clients, isolation, "earliest");
    properties.setProperty(ConsumerConfig.FETCH_MAX_BYTES_CONFIG, FETCH_BYTES);
    return new KafkaConsumer<>(
        properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private static Collection<TopicPartition> partitions(
      KafkaConsumer<byte[], byte[]> consumer, List<String> topics) {
    return topics.stream()
        .flatMap(topic -> consumer.partitionsFor(topic).stream())
        .map(info -> new TopicPartition(info.topic(), info.partition()))
        .toList();
  }

  private static void addIfWanted(String id, Set<String> wanted, Set<String> found) {
    if (id != null && wanted.contains(id)) {
      found.add(id);
    }
  }

  private static Map<TopicPartition, Long> max(
      Map<TopicPartition, Long> offsets, Map<TopicPartition, Long> least) {
    Map<TopicPartition, Long> max = new HashMap<>();
    offsets.forEach(
        (partition, offset) ->
            max.put(partition, Math.max(offset, least.getOrDefault(partition, 0L))));
    return max;
  }

  /** Returns the offsets to start from, limited to those that the topics still have. */
  private static Map<TopicPartition, Long> starts(
      KafkaConsumer<byte[], byte[]> consumer,
      Collection<TopicPartition> partitions,
      Map<TopicPartition, Long> since,
      Map<TopicPartition, Long> ends) {
    Map<TopicPartition, Long> starts = new HashMap<>(consumer.beginningOffsets(partitions));
    starts.replaceAll(
        (partition, begin) -> {
          long from = since.getOrDefault(partition, begin);
          if (from < begin) {
            LOG.warn(
                "{} now begins at offset {}, and the search was to start at {}. Records that were"
                    + " committed in between count as missing.",
                partition,
                begin,
                from);
          }
          return Math.max(from, begin);
        });
    starts.entrySet().removeIf(start -> start.getValue() >= ends.get(start.getKey()));
    return starts;
  }

  private void read(
      KafkaConsumer<byte[], byte[]> consumer,
      Map<TopicPartition, Long> starts,
      Map<TopicPartition, Long> ends,
      Consumer<ConsumerRecord<byte[], byte[]>> visitor)
      throws IOException {
    consumer.assign(starts.keySet());
    starts.forEach(consumer::seek);
    Map<TopicPartition, Long> positions = starts;
    long progressAt = System.nanoTime();
    while (!consumer.assignment().isEmpty()) {
      consumer.poll(POLL).forEach(visitor);
      Map<TopicPartition, Long> now = new HashMap<>();
      for (TopicPartition partition : consumer.assignment()) {
        long position = consumer.position(partition);
        if (position < ends.get(partition)) {
          now.put(partition, position);
        }
      }
      if (!now.equals(positions)) {
        progressAt = System.nanoTime();
      } else if (System.nanoTime() - progressAt > timeout.toNanos()) {
        throw new IOException(
            "Reading the topics made no progress for %d s before their ends, so it is unknown which records of an aborted transaction are in them. It stopped at %s. An open transaction or an unreachable broker is the cause. The job tries again after the restart."
                .formatted(timeout.toSeconds(), now));
      }
      if (now.size() < consumer.assignment().size()) {
        // Some are read to their ends. The consumer keeps what it has fetched of the others.
        consumer.assign(now.keySet());
      }
      positions = now;
    }
  }
}

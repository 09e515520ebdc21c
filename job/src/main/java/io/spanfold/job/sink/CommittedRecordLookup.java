package io.spanfold.job.sink;

import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks for committed records in what topics got since a moment. In memory is what one fetch
 * brings, beside the ids. For use by one thread, which it blocks.
 *
 * <p>Committed records can be read up to the first transaction that is open. What lies behind, up
 * to the topic's end, is looked at uncommitted: as a rule it is of others, and nothing in it is
 * asked for. Where something is, nobody knows yet whether it will be there, and the search waits
 * until the open transaction is over. It never waits for one that is none of its business: that may
 * be one of the very task that waits.
 */
final class CommittedRecordLookup {

  private static final Logger LOG = LoggerFactory.getLogger(CommittedRecordLookup.class);
  private static final Duration POLL = Duration.ofMillis(200);

  private final KafkaClients clients;
  private final Duration patience;

  /**
   * @param clients makes the consumers
   * @param patience how long reading may go on without any progress
   */
  CommittedRecordLookup(KafkaClients clients, Duration patience) {
    this.clients = clients;
    this.patience = patience;
  }

  /**
   * Returns which ids have a committed record. What is committed before this is called is seen.
   *
   * @param topics where to look
   * @param since from which offsets on; a partition that is not named is read from its beginning
   * @param wanted the ids
   * @param idOf tells a record's id; null for none
   * @throws IOException where it cannot be known now
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
    try (KafkaConsumer<byte[], byte[]> committed = clients.consumer("read_committed");
        KafkaConsumer<byte[], byte[]> uncommitted = clients.consumer("read_uncommitted")) {
      Collection<TopicPartition> partitions = partitions(committed, topics);
      // In this order: the first may only be ahead of what the second leaves to be looked at.
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
        LOG.info("Open transactions end before it is known what is committed: {}.", undecided);
        read(
            committed,
            starts(committed, undecided.keySet(), max(stable, since), undecided),
            undecided,
            record -> addIfWanted(idOf.apply(record), wanted, found));
      }
    }
    return found;
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

  /** Returns where to read from, within what is there. */
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
                "{} begins at offset {} by now, and was to be looked through from {} on: what was"
                    + " committed in between is taken for missing.",
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
      } else if (System.nanoTime() - progressAt > patience.toNanos()) {
        throw new IOException(
            "The topics could not be read to their ends in %d s without progress, so that it is not known what of a refused transaction is in them: %s. An open transaction, or brokers that cannot be reached, are in the way. It is tried again after the restart."
                .formatted(patience.toSeconds(), now));
      }
      if (now.size() < consumer.assignment().size()) {
        // Done with some; what was fetched of the others is kept.
        consumer.assign(now.keySet());
      }
      positions = now;
    }
  }
}

package io.spanfold.job.source;

import java.io.Serializable;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.flink.connector.kafka.source.enumerator.KafkaSourceEnumState;
import org.apache.flink.connector.kafka.source.enumerator.SplitAndAssignmentStatus;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.Uuid;

/**
 * The topic that is read. Offsets in state mean nothing in another topic, nor in one of the same
 * name that was made anew.
 *
 * @param name its name
 * @param clients properties of Kafka's clients
 */
record SourceTopic(String name, Properties clients) implements Serializable {

  /** Returns the topic's id. Blocks for as long as Kafka's clients retry. */
  Uuid id() throws InterruptedException, ExecutionException {
    try (Admin admin = Admin.create(clients)) {
      return admin.describeTopics(List.of(name)).allTopicNames().get().get(name).topicId();
    }
  }

  /**
   * Checks that a job continues with the topic that it has read before.
   *
   * @throws IllegalStateException if the state is that of a topic with another name
   */
  void check(KafkaSourceEnumState state) {
    for (SplitAndAssignmentStatus each : state.splits()) {
      String read = each.split().getTopic();
      if (!read.equals(name)) {
        throw new IllegalStateException(
            ("The job continues from a savepoint or checkpoint of a job that read the topic %s, but"
                    + " source.topic is %s. Set source.topic back, or start without state.")
                .formatted(read, name));
      }
    }
  }

  /**
   * Checks that a job continues with the topic that it has read before.
   *
   * @param read the id in state; {@link Uuid#ZERO_UUID} if there was none
   * @param now the id that Kafka has for the name now
   * @throws IllegalStateException if they differ
   */
  void check(Uuid read, Uuid now) {
    if (!read.equals(Uuid.ZERO_UUID) && !read.equals(now)) {
      throw new IllegalStateException(
          ("source.topic (%s) was deleted and made anew since the savepoint or checkpoint: its id is"
                  + " %s, not %s. The offsets in state are those of the old topic, whose unread records"
                  + " are lost. Start without state to read the new one from its beginning.")
              .formatted(name, now, read));
    }
  }

  /** Without the properties, which may hold secrets. */
  @Override
  public String toString() {
    return "SourceTopic[" + name + "]";
  }
}

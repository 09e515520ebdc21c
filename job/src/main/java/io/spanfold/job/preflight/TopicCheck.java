package io.spanfold.job.preflight;

import static io.spanfold.job.config.SpanfoldConfig.RECORD_OVERHEAD_BYTES;

import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.sink.RejectStrategy;
import java.util.OptionalLong;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Checks that the topics exist, and accept the largest records that the job may write. */
final class TopicCheck {

  /** Hardly any span fits below this. */
  private static final int MIN_CHUNK_BYTES = 1024;

  private final SpanfoldConfig config;
  private final KafkaServers kafka;
  private final CheckReport report;

  TopicCheck(SpanfoldConfig config, KafkaServers kafka, CheckReport report) {
    this.config = config;
    this.kafka = kafka;
    this.report = report;
  }

  /**
   * Runs the checks.
   *
   * @param producers whether producers accept their properties, so that those can be relied on
   */
  void run(boolean producers) {
    OptionalLong source = maxRecord("source.topic", config.source().topic());
    OptionalLong sink = maxRecord("sink.topic", config.sink().topic());
    OptionalLong deadLetters = maxRecord("dead-letter.topic", config.sink().deadLetterTopic());
    OptionalLong outcomes = maxRecord("outcomes.topic", config.sink().outcomesTopic());
    sink.ifPresent(this::segments);
    deadLetters.ifPresent(this::deadLetters);
    outcomes.ifPresent(this::outcomes);
    if (producers) {
      source.ifPresent(this::deadLetterRequests);
    }
    if (source.isPresent() && deadLetters.isPresent()) {
      deadLetters(source.getAsLong(), deadLetters.getAsLong());
    }
  }

  /** Returns the largest record that a topic accepts; empty, and reported, if it is unknown. */
  private OptionalLong maxRecord(String option, String topic) {
    boolean read = option.equals("source.topic");
    try {
      kafka.describeTopic(topic);
    } catch (UnknownTopicOrPartitionException e) {
      report.problem(
          "%s (%s) does not exist on Kafka at %s; create it, or name another one."
              .formatted(option, topic, config.kafka().bootstrapServers()));
      return OptionalLong.empty();
    } catch (AuthorizationException e) {
      report.problem(
          "Kafka hides %s (%s) from the job's user (%s); grant that user %s on it."
              .formatted(option, topic, KafkaServers.reason(e), read ? "Read" : "Write"));
      return OptionalLong.empty();
    }
    try {
      if (kafka.isCompacted(topic)) {
        compacted(option, topic);
      }
      return OptionalLong.of(kafka.maxMessageBytes(topic));
    } catch (KafkaException e) {
      String unknown =
          "The largest record that %s (%s) accepts is unknown (%s)"
              .formatted(option, topic, KafkaServers.reason(e));
      if (option.equals("sink.topic") && config.flush().chunkBytes() == 0) {
        report.problem(unknown + "; grant DescribeConfigs on the topic, or set flush.chunk-bytes.");
      } else {
        report.warning(
            unknown + " and not checked; grant DescribeConfigs, or check its max.message.bytes.");
      }
      return OptionalLong.empty();
    }
  }

  /** Brokers refuse a record without a key there, as many dead letters are: one fails the job. */
  private void compacted(String option, String topic) {
    report.problem(
        "%s (%s) is compacted, so Kafka deletes records whose key occurs again, and refuses those without a key; set its cleanup.policy to delete."
            .formatted(option, topic));
  }

  void segments(long accepted) {
    int chunk = config.flush().chunkBytes();
    if (chunk == 0 && accepted < RECORD_OVERHEAD_BYTES + MIN_CHUNK_BYTES) {
      report.problem(
          "sink.topic (%s) accepts records of %d bytes at most, of which %d are reserved for key and headers; set its max.message.bytes to a megabyte or more."
              .formatted(config.sink().topic(), accepted, RECORD_OVERHEAD_BYTES));
    } else if (chunk > 0 && accepted < (long) chunk + RECORD_OVERHEAD_BYTES) {
      report.problem(
          "flush.chunk-bytes (%d) plus %d bytes for key and headers is more than sink.topic (%s) accepts (%d); lower it, or set the topic's max.message.bytes to %d or more."
              .formatted(
                  chunk,
                  RECORD_OVERHEAD_BYTES,
                  config.sink().topic(),
                  accepted,
                  (long) chunk + RECORD_OVERHEAD_BYTES));
    }
  }

  /** Without what it has of its source record, every dead letter is smaller than this. */
  private void deadLetters(long accepted) {
    if (accepted < RejectStrategy.LEAST_ACCEPTED_BYTES) {
      report.problem(
          "dead-letter.topic (%s) accepts records of %d bytes at most; set its max.message.bytes to %d or more."
              .formatted(
                  config.sink().deadLetterTopic(), accepted, RejectStrategy.LEAST_ACCEPTED_BYTES));
    }
  }

  /**
   * Accepts equal limits, which most topics have: a dead letter is larger than its record by its
   * headers, but few records are as large as their topic allows.
   */
  private void deadLetters(long source, long accepted) {
    if (accepted < source) {
      report.warning(
          "dead-letter.topic (%s) accepts records of %d bytes at most, but source.topic (%s) of %d, so larger bad records become dead letters without their value; set max.message.bytes of the first to %d or more."
              .formatted(
                  config.sink().deadLetterTopic(),
                  accepted,
                  config.source().topic(),
                  source,
                  source + RECORD_OVERHEAD_BYTES));
    }
  }

  private void deadLetterRequests(long source) {
    long request = RejectStrategy.maxRequestBytes(config);
    if (source > request) {
      report.warning(
          "source.topic (%s) accepts records of %d bytes, but the producer of dead letters sends %d at most, so larger bad records become dead letters without their value; set kafka.properties.max.request.size to %d, or lower the topic's max.message.bytes."
              .formatted(config.source().topic(), source, request, source + RECORD_OVERHEAD_BYTES));
    }
  }

  private void outcomes(long accepted) {
    if (accepted < RejectStrategy.LEAST_ACCEPTED_BYTES) {
      report.problem(
          "outcomes.topic (%s) accepts records of %d bytes at most; set its max.message.bytes to %d or more."
              .formatted(
                  config.sink().outcomesTopic(), accepted, RejectStrategy.LEAST_ACCEPTED_BYTES));
    }
  }
}

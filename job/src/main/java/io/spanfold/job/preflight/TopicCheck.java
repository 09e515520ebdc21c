package io.spanfold.job.preflight;

import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.sink.RejectStrategy;
import java.util.OptionalLong;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Whether the topics are there, and accept records as large as the job may make. */
final class TopicCheck {

  private final SpanfoldConfig config;
  private final KafkaServers kafka;
  private final CheckReport findings;

  TopicCheck(SpanfoldConfig config, KafkaServers kafka, CheckReport findings) {
    this.config = config;
    this.kafka = kafka;
    this.findings = findings;
  }

  /**
   * Asks.
   *
   * @param producers whether producers take their properties, so that these can be gone by
   */
  void run(boolean producers) {
    OptionalLong source = accepted("source.topic", config.source().topic());
    OptionalLong sink = accepted("sink.topic", config.sink().topic());
    OptionalLong deadLetters = accepted("dead-letter.topic", config.sink().deadLetterTopic());
    OptionalLong outcomes = accepted("outcomes.topic", config.sink().outcomesTopic());
    sink.ifPresent(this::segments);
    outcomes.ifPresent(this::outcomes);
    if (producers) {
      source.ifPresent(this::sendable);
    }
    if (source.isPresent() && deadLetters.isPresent()) {
      deadLetters(source.getAsLong(), deadLetters.getAsLong());
    }
  }

  /** Returns the largest record of a topic; empty, with a finding, where there is no telling. */
  private OptionalLong accepted(String option, String topic) {
    try {
      kafka.topic(topic);
    } catch (UnknownTopicOrPartitionException e) {
      findings.problem(
          "%s (%s) does not exist on Kafka at %s; create it, or name another one."
              .formatted(option, topic, config.kafka().bootstrapServers()));
      return OptionalLong.empty();
    } catch (AuthorizationException e) {
      findings.problem(
          "%s (%s) is hidden from the job's user by Kafka (%s); grant that user %s on it."
              .formatted(
                  option,
                  topic,
                  KafkaServers.words(e),
                  option.equals("source.topic") ? "Read" : "Write"));
      return OptionalLong.empty();
    }
    try {
      return OptionalLong.of(kafka.maxMessageBytes(topic));
    } catch (KafkaException e) {
      untold(option, topic, e);
      return OptionalLong.empty();
    }
  }

  private void untold(String option, String topic, KafkaException e) {
    String untold =
        "Kafka does not tell how large records of %s (%s) may be (%s)"
            .formatted(option, topic, KafkaServers.words(e));
    boolean needed = option.equals("sink.topic") && config.flush().chunkBytes() == 0;
    if (needed) {
      findings.problem(
          untold + ", which flush.chunk-bytes follows; grant DescribeConfigs on it, or set that.");
    } else {
      findings.warning(
          untold
              + ", so that is not checked; grant DescribeConfigs on it, or see to its"
              + " max.message.bytes.");
    }
  }

  private void segments(long accepted) {
    String topic = config.sink().topic();
    int chunk = config.flush().chunkBytes();
    if (chunk == 0) {
      if (!TopicLimits.leavesRoom(accepted)) {
        findings.problem(TopicLimits.tooSmall(topic, accepted));
      }
      return;
    }
    long needed = (long) chunk + SpanfoldConfig.RECORD_OVERHEAD_BYTES;
    if (accepted < needed) {
      findings.problem(
          "flush.chunk-bytes (%d) and the %d bytes around a value are more than sink.topic (%s) accepts, which is %d; lower it, or set the topic's max.message.bytes to %d or more."
              .formatted(chunk, SpanfoldConfig.RECORD_OVERHEAD_BYTES, topic, accepted, needed));
    }
  }

  /** Equal limits are what most have; the rare letter in between is the operator's to risk. */
  private void deadLetters(long source, long accepted) {
    if (accepted < source) {
      findings.problem(
          "dead-letter.topic (%s) accepts records of %d bytes at most, but source.topic (%s) of %d, so that one bad record could fail the job for good; set the former's max.message.bytes to %d or more."
              .formatted(
                  config.sink().deadLetterTopic(),
                  accepted,
                  config.source().topic(),
                  source,
                  source + SpanfoldConfig.RECORD_OVERHEAD_BYTES));
    }
  }

  private void sendable(long source) {
    long request = RejectStrategy.maxRequestBytes(config);
    if (source > request) {
      findings.problem(
          "source.topic (%s) accepts records of %d bytes, but the producer of dead letters sends %d at most, so that one bad record could fail the job for good; set kafka.properties.max.request.size to %d, or lower the topic's max.message.bytes."
              .formatted(
                  config.source().topic(),
                  source,
                  request,
                  source + SpanfoldConfig.RECORD_OVERHEAD_BYTES));
    }
  }

  private void outcomes(long accepted) {
    if (accepted < RejectStrategy.OUTCOME_BYTES) {
      findings.problem(
          "outcomes.topic (%s) accepts records of %d bytes at most; set its max.message.bytes to %d or more."
              .formatted(config.sink().outcomesTopic(), accepted, RejectStrategy.OUTCOME_BYTES));
    }
  }
}

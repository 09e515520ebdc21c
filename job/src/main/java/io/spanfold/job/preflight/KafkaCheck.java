package io.spanfold.job.preflight;

import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.kafka.KafkaClientProperties;
import io.spanfold.job.preflight.PreflightChecks.JobStart;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.util.TimeUtils;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Checks that Kafka answers, has the topics, and accepts the job's transactions. */
final class KafkaCheck {

  private final SpanfoldConfig config;
  private final JobStart start;
  private final CheckReport report;

  KafkaCheck(SpanfoldConfig config, JobStart start, CheckReport report) {
    this.config = config;
    this.start = start;
    this.report = report;
  }

  void run() {
    boolean exactlyOnce = config.sink().guarantee() == DeliveryGuarantee.EXACTLY_ONCE;
    if (exactlyOnce) {
      checkCheckpoints();
    }
    try (KafkaServers kafka = new KafkaServers(config)) {
      // First, so that a Kafka that does not answer costs one time-out and is reported once.
      List<String> brokers = kafka.brokers();
      boolean producers = canBeMade("producers", () -> producer(exactlyOnce).close(Duration.ZERO));
      canBeMade("consumers", () -> consumer().close());
      new TopicCheck(config, kafka, report).run(producers);
      if (exactlyOnce) {
        checkTransactions(kafka, brokers);
      }
    } catch (KafkaException e) {
      report.problem(
          "Kafka at %s does not answer (%s); check that the brokers run and are reachable from here, and check kafka.bootstrap.servers and kafka.properties.*."
              .formatted(config.kafka().bootstrapServers(), KafkaServers.reason(e)));
    }
  }

  /**
   * Records written after one checkpoint are committed with the next. If the broker aborts the
   * transaction in between, the job survives, but has to emit the records again.
   */
  private void checkCheckpoints() {
    Duration open = config.checkpointInterval().plus(start.checkpointTimeout());
    long timeout = config.kafka().transactionTimeoutMs();
    if (open.toMillis() > timeout) {
      report.warning(
          "kafka.properties.transaction.timeout.ms (%d) is less than the checkpoint interval (%s) plus execution.checkpointing.timeout (%s), so Kafka aborts the transaction of a slow checkpoint, and its records are emitted again; raise the first to %d, or lower the others."
              .formatted(
                  timeout,
                  TimeUtils.formatWithHighestUnit(config.checkpointInterval()),
                  TimeUtils.formatWithHighestUnit(start.checkpointTimeout()),
                  open.toMillis()));
    }
  }

  /** Any broker may coordinate a transaction, so one with a lower limit is enough for a problem. */
  private void checkTransactions(KafkaServers kafka, List<String> brokers) {
    long timeout = config.kafka().transactionTimeoutMs();
    for (String broker : brokers) {
      try {
        long most = kafka.maxTransactionTimeoutMs(broker);
        if (timeout > most) {
          report.problem(
              "kafka.properties.transaction.timeout.ms (%d) is more than transaction.max.timeout.ms of broker %s (%d); lower the first, or raise the second."
                  .formatted(timeout, broker, most));
          return;
        }
      } catch (KafkaException e) {
        report.warning(
            "The configuration of Kafka broker %s cannot be read (%s), so it is not checked that its transaction.max.timeout.ms is at least %d, as it must be; grant DescribeConfigs on the cluster."
                .formatted(broker, KafkaServers.reason(e), timeout));
        return;
      }
    }
  }

  private boolean canBeMade(String clients, Runnable maker) {
    try {
      maker.run();
      return true;
    } catch (KafkaException e) {
      report.problem(
          "Kafka's %s refuse their properties (%s); correct them in kafka.properties.*."
              .formatted(clients, KafkaServers.reason(e)));
      return false;
    }
  }

  private KafkaProducer<byte[], byte[]> producer(boolean transactions) {
    Properties properties = KafkaClientProperties.common(config.kafka());
    if (transactions) {
      // Not sent to a broker: it makes the client check the properties that transactions need.
      properties.setProperty(
          ProducerConfig.TRANSACTIONAL_ID_CONFIG, config.sink().transactionalIdPrefix());
    }
    return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
  }

  private KafkaConsumer<byte[], byte[]> consumer() {
    Properties properties = KafkaClientProperties.common(config.kafka());
    properties.setProperty(ConsumerConfig.GROUP_ID_CONFIG, config.source().groupId());
    return new KafkaConsumer<>(
        properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }
}

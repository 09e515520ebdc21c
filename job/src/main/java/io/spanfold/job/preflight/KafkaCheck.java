package io.spanfold.job.preflight;

import io.spanfold.job.config.SpanfoldConfig;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.util.TimeUtils;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Whether Kafka answers, has the topics, and takes transactions as long as the job's. */
final class KafkaCheck {

  private final SpanfoldConfig config;
  private final JobStart start;
  private final CheckReport findings;

  KafkaCheck(SpanfoldConfig config, JobStart start, CheckReport findings) {
    this.config = config;
    this.start = start;
    this.findings = findings;
  }

  void run() {
    if (config.sink().guarantee() == DeliveryGuarantee.EXACTLY_ONCE) {
      longCheckpoints();
    }
    try (KafkaServers kafka = new KafkaServers(config)) {
      // First of all whether anybody answers: otherwise each question would wait in vain.
      List<String> brokers = kafka.brokers();
      boolean producers = canBeMade("producers", () -> producer().close(Duration.ZERO));
      canBeMade("consumers", () -> consumer().close());
      new TopicCheck(config, kafka, findings).run(producers);
      if (config.sink().guarantee() == DeliveryGuarantee.EXACTLY_ONCE) {
        transactions(kafka, brokers);
      }
    } catch (KafkaException e) {
      findings.problem(
          "Kafka at %s cannot be asked (%s); see whether the brokers run and are reachable from here, and whether kafka.bootstrap.servers and kafka.properties.* are right."
              .formatted(config.kafka().bootstrapServers(), KafkaServers.words(e)));
    }
  }

  /**
   * What is written after one checkpoint is committed with the next. A job outlives what the broker
   * aborts meanwhile, but that costs.
   */
  private void longCheckpoints() {
    Duration open = config.checkpointInterval().plus(start.checkpointTimeout());
    long timeout = config.kafka().transactionTimeoutMs();
    if (open.toMillis() > timeout) {
      findings.warning(
          "kafka.properties.transaction.timeout.ms (%d) is less than the checkpoint interval (%s) and what a checkpoint may take (execution.checkpointing.timeout, %s), so that Kafka aborts what a slow one has still to commit, which is then looked for and emitted again; raise the one to %d, or lower the others."
              .formatted(
                  timeout,
                  TimeUtils.formatWithHighestUnit(config.checkpointInterval()),
                  TimeUtils.formatWithHighestUnit(start.checkpointTimeout()),
                  open.toMillis()));
    }
  }

  /** Any broker may be the one that decides about a transaction; one that is wrong is enough. */
  private void transactions(KafkaServers kafka, List<String> brokers) {
    long timeout = config.kafka().transactionTimeoutMs();
    for (String broker : brokers) {
      try {
        long most = kafka.maxTransactionTimeoutMs(broker);
        if (timeout > most) {
          findings.problem(
              "kafka.properties.transaction.timeout.ms (%d) is more than broker %s of Kafka takes, whose transaction.max.timeout.ms is %d; lower the one, or raise the other."
                  .formatted(timeout, broker, most));
          return;
        }
      } catch (KafkaException e) {
        findings.warning(
            "Kafka does not tell the configuration of broker %s (%s), so it is not checked whether its transaction.max.timeout.ms is at least %d, as it must be; grant DescribeConfigs on the cluster to have it checked."
                .formatted(broker, KafkaServers.words(e), timeout));
        return;
      }
    }
  }

  /** Makes a client as the tasks will. */
  private boolean canBeMade(String clients, Runnable maker) {
    try {
      maker.run();
      return true;
    } catch (KafkaException e) {
      findings.problem(
          "Kafka's %s do not take their properties (%s); correct them in kafka.properties.*."
              .formatted(clients, KafkaServers.words(e)));
      return false;
    }
  }

  private KafkaProducer<byte[], byte[]> producer() {
    Properties properties = properties();
    if (config.sink().guarantee() == DeliveryGuarantee.EXACTLY_ONCE) {
      // Nothing is told to the broker; it only makes the client look at what goes with it.
      properties.setProperty(
          ProducerConfig.TRANSACTIONAL_ID_CONFIG, config.sink().transactionalIdPrefix());
    }
    return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
  }

  private KafkaConsumer<byte[], byte[]> consumer() {
    Properties properties = properties();
    properties.setProperty(ConsumerConfig.GROUP_ID_CONFIG, config.source().groupId());
    return new KafkaConsumer<>(
        properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private Properties properties() {
    Properties properties = new Properties();
    config.kafka().properties().forEach(properties::setProperty);
    properties.setProperty(
        CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, config.kafka().bootstrapServers());
    return properties;
  }
}

package io.spanfold.job.sink;

import io.spanfold.job.config.SpanfoldConfig;
import java.util.Properties;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Makes the Kafka sinks: the one place that knows what their producers are set to. */
final class KafkaSinks {

  /**
   * Source records come in whatever size their topic takes, and a record that is too large for a
   * segment has to fit into a dead letter. Whether the topic takes it is the broker's to say.
   */
  static final int DEAD_LETTER_BYTES = 64 * 1024 * 1024;

  /** An outcome has some hundred bytes. */
  static final int OUTCOME_BYTES = 64 * 1024;

  private KafkaSinks() {}

  /**
   * Returns the sink that {@link DeadLetterSink} is built around. Its transactions are its own: a
   * dead letter is committed with the checkpoint that its source record was read in.
   */
  static KafkaSink<ProducerRecord<byte[], byte[]>> deadLetters(SpanfoldConfig config) {
    return sink(config, "dead-letters", DEAD_LETTER_BYTES);
  }

  /** Returns the sink that {@link SegmentSink} is built around; it takes finished records. */
  static KafkaSink<ProducerRecord<byte[], byte[]>> segments(SpanfoldConfig config, int chunkBytes) {
    return sink(config, "segments", chunkBytes);
  }

  /**
   * Returns the sink that {@link OutcomeSink} is built around. Its transactions are its own, too:
   * an outcome of dropped spans is committed with the checkpoint that they were read in.
   */
  static KafkaSink<ProducerRecord<byte[], byte[]>> outcomes(SpanfoldConfig config) {
    return sink(config, "outcomes", OUTCOME_BYTES);
  }

  private static KafkaSink<ProducerRecord<byte[], byte[]>> sink(
      SpanfoldConfig config, String name, int maxValueBytes) {
    return KafkaSink.<ProducerRecord<byte[], byte[]>>builder()
        .setKafkaProducerConfig(producerProperties(config, maxValueBytes))
        .setRecordSerializer((record, context, timestamp) -> record)
        .setDeliveryGuarantee(config.sink().guarantee())
        // Two sinks with one prefix would abort each other's transactions.
        .setTransactionalIdPrefix(config.sink().transactionalIdPrefix() + "-" + name)
        // Each transaction has an id of its own, so that the broker can still be asked what became
        // of one; POOLING gives ids out again, and with the id goes the answer.
        .setTransactionNamingStrategy(TransactionNamingStrategy.INCREMENTING)
        .build();
  }

  /** Returns the producers' properties: ours, then the user's, then what must be large enough. */
  static Properties producerProperties(SpanfoldConfig config, int maxValueBytes) {
    Properties properties = new Properties();
    // Segments are JSON, which shrinks to a fraction. Of the codecs LZ4 would cost the least, but
    // its library loads no native code where it was not loaded by the system's class loader, so not
    // in a Flink job.
    properties.setProperty(ProducerConfig.COMPRESSION_TYPE_CONFIG, "zstd");
    properties.setProperty(ProducerConfig.COMPRESSION_ZSTD_LEVEL_CONFIG, "1");
    // More than one segment a batch: they are alike.
    properties.setProperty(ProducerConfig.BATCH_SIZE_CONFIG, String.valueOf(128 << 10));
    properties.setProperty(ProducerConfig.LINGER_MS_CONFIG, "20");
    config.kafka().properties().forEach(properties::setProperty);
    properties.setProperty(
        ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, config.kafka().bootstrapServers());
    // A record that the job may make must never be one that the producer refuses.
    long request = (long) maxValueBytes + SpanfoldConfig.RECORD_OVERHEAD_BYTES;
    atLeast(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, request, 1024 * 1024, properties);
    atLeast(ProducerConfig.BUFFER_MEMORY_CONFIG, 2 * request, 32 * 1024 * 1024, properties);
    return properties;
  }

  private static void atLeast(String name, long least, long standard, Properties properties) {
    long given = Long.parseLong(properties.getProperty(name, Long.toString(standard)).strip());
    properties.setProperty(name, Long.toString(Math.max(given, least)));
  }
}

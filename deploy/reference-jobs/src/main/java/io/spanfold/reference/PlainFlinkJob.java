package io.spanfold.reference;

import java.util.Properties;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.ParameterTool;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The same task with Flink alone: spans wait in keyed state until their trace has been quiet for
 * the timeout, are then folded into segments and written through the same exactly-once sink that
 * Spanfold uses. Which state backend holds them is the cluster's configuration.
 *
 * <p>It does less than Spanfold: one timeout per trace, no late parts, no deduplication, no bound
 * on a segment, one message per segment.
 */
public final class PlainFlinkJob {

  private PlainFlinkJob() {}

  /** Submits the job; options as {@code --name value}. */
  public static void main(String[] args) throws Exception {
    ParameterTool options = ParameterTool.fromArgs(args);
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
    ParsedSpans.of(env, options)
        .process(
            new TraceBuffer(
                options.getLong("segment.timeout-ms", 60_000),
                options.getLong("segment.root-timeout-ms", 10_000)))
        .returns(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO)
        .name("Buffer")
        .uid("buffer")
        .sinkTo(sink(options))
        .name("Write")
        .uid("sink");
    env.execute("Plain Flink");
  }

  private static KafkaSink<byte[]> sink(ParameterTool options) {
    String topic = options.getRequired("sink.topic");
    Properties producer = new Properties();
    // The same as in Spanfold's sink.
    producer.setProperty(ProducerConfig.COMPRESSION_TYPE_CONFIG, "zstd");
    producer.setProperty(ProducerConfig.COMPRESSION_ZSTD_LEVEL_CONFIG, "1");
    producer.setProperty(ProducerConfig.BATCH_SIZE_CONFIG, String.valueOf(128 << 10));
    producer.setProperty(ProducerConfig.LINGER_MS_CONFIG, "20");
    producer.setProperty(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, String.valueOf(16 << 20));
    producer.setProperty(ProducerConfig.BUFFER_MEMORY_CONFIG, String.valueOf(32 << 20));
    producer.setProperty(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, "900000");
    return KafkaSink.<byte[]>builder()
        .setBootstrapServers(options.getRequired("kafka.bootstrap.servers"))
        .setKafkaProducerConfig(producer)
        .setRecordSerializer((value, context, timestamp) -> new ProducerRecord<>(topic, value))
        .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
        .setTransactionalIdPrefix(options.get("sink.transactional-id-prefix", "plain"))
        .setTransactionNamingStrategy(TransactionNamingStrategy.INCREMENTING)
        .build();
  }
}

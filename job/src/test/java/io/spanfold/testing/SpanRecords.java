package io.spanfold.testing;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.Span;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.function.ToIntFunction;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Writes spans as source records. */
public final class SpanRecords {

  private SpanRecords() {}

  /** Returns {@code span} as a source record's value. */
  public static String json(Span span) {
    String parent = span.root() ? "null" : "\"" + Hex.id(span.parentId()) + "\"";
    return """
        {"organization_id":1,"project_id":%d,"trace_id":"%s","span_id":"%s","parent_span_id":%s,\
        "end_timestamp":%d.5,"n":%d}"""
        .formatted(
            span.trace().projectId(),
            span.trace().traceId(),
            Hex.id(span.spanId()),
            parent,
            span.timestamp() / 1000,
            span.offset());
  }

  private static String padded(String json, int bytes) {
    return bytes == 0
        ? json
        : json.substring(0, json.length() - 1) + ",\"padding\":\"" + "x".repeat(bytes) + "\"}";
  }

  /** Sends spans in their order, each trace's to one partition. */
  public static void send(String bootstrapServers, String topic, int partitions, List<Span> spans) {
    send(Map.of("bootstrap.servers", bootstrapServers), topic, partitions, spans);
  }

  /** Sends spans as above, by a producer of these properties. */
  public static void send(
      Map<String, Object> properties, String topic, int partitions, List<Span> spans) {
    send(properties, topic, partitions, spans, span -> 0);
  }

  /** Sends spans as above, each padded with {@code padding} bytes. */
  public static void send(
      Map<String, Object> properties,
      String topic,
      int partitions,
      List<Span> spans,
      ToIntFunction<Span> padding) {
    try (KafkaProducer<byte[], byte[]> producer = producer(properties)) {
      List<Future<RecordMetadata>> sent = new ArrayList<>(spans.size());
      for (Span span : spans) {
        int partition = partition(span, partitions);
        sent.add(
            producer.send(
                new ProducerRecord<>(
                    topic,
                    partition,
                    span.timestamp(),
                    null,
                    padded(json(span), padding.applyAsInt(span)).getBytes(UTF_8))));
      }
      producer.flush();
      for (Future<RecordMetadata> each : sent) {
        each.get();
      }
    } catch (InterruptedException | ExecutionException e) {
      throw new IllegalStateException("not all spans were sent to " + topic, e);
    }
  }

  /** Returns a producer for topics that may just have been made. */
  public static KafkaProducer<byte[], byte[]> producer(String bootstrapServers) {
    return producer(Map.of("bootstrap.servers", bootstrapServers));
  }

  private static KafkaProducer<byte[], byte[]> producer(Map<String, Object> properties) {
    Map<String, Object> all = new HashMap<>(properties);
    all.put("linger.ms", 5);
    // If two batches are in flight to a new topic, the first can be refused because there is no
    // leader yet, and the second accepted; the first is then out of sequence forever.
    all.put("max.in.flight.requests.per.connection", 1);
    return new KafkaProducer<>(all, new ByteArraySerializer(), new ByteArraySerializer());
  }

  /** Returns the partition that {@link #send} sends a span to. */
  public static int partition(Span span, int partitions) {
    return Math.floorMod(span.trace().hashCode(), partitions);
  }
}

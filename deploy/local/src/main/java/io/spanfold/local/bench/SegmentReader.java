package io.spanfold.local.bench;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.local.bench.load.SpanIds;
import io.spanfold.local.kafka.KafkaClients;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;

/**
 * Reads committed segments in a thread of its own and records how long after their deadline they
 * were produced (by the broker's timestamp) and could be read. It ignores segments without a root
 * and those that were not flushed as idle. Thread-safe.
 */
final class SegmentReader implements AutoCloseable {

  private static final String SPAN_ID = "\"span_id\":\"";

  /** The job stamps the span whose id is the segment's; without a root there is none. */
  private static final String ROOT = "\"is_segment\":true";

  private static final byte[] IDLE = "idle".getBytes(US_ASCII);

  /** Only one record in four is parsed, to leave the CPU to the job. */
  private static final int ONE_IN = 4;

  private final KafkaConsumer<byte[], byte[]> consumer;
  private final LiveTraffic traffic;
  private final long rootTimeoutMillis;
  private final List<Flush> flushes = new ArrayList<>();
  private final Thread reader = new Thread(this::read, "segment-reader");
  private long records;

  /**
   * A flush.
   *
   * @param deadline of the part, in epoch ms
   * @param producedAfter ms from the deadline to the append of the record
   * @param committedAfter ms from the deadline until the record could be read
   */
  record Flush(long deadline, long producedAfter, long committedAfter) {}

  private SegmentReader(
      String bootstrapServers, String topic, LiveTraffic traffic, long rootTimeoutMillis) {
    this.traffic = traffic;
    this.rootTimeoutMillis = rootTimeoutMillis;
    this.consumer =
        KafkaClients.consumer(bootstrapServers, List.of(topic), IsolationLevel.READ_COMMITTED);
  }

  /** Starts reading {@code topic}, whose timestamps are the times of the append. */
  static SegmentReader start(
      String bootstrapServers, String topic, LiveTraffic traffic, long rootTimeoutMillis) {
    SegmentReader reader = new SegmentReader(bootstrapServers, topic, traffic, rootTimeoutMillis);
    reader.reader.setDaemon(true);
    reader.reader.start();
    return reader;
  }

  private void read() {
    try {
      while (true) {
        for (ConsumerRecord<byte[], byte[]> next : consumer.poll(Duration.ofMillis(50))) {
          record(next, System.currentTimeMillis());
        }
      }
    } catch (WakeupException e) {
      consumer.close();
    }
  }

  private synchronized void record(ConsumerRecord<byte[], byte[]> segment, long now) {
    Header reason = segment.headers().lastHeader("flush-reason");
    if (records++ % ONE_IN != 0 || reason == null || !Arrays.equals(reason.value(), IDLE)) {
      return;
    }
    String text = new String(segment.value(), ISO_8859_1);
    if (!text.contains(ROOT)) {
      return;
    }
    long latest = 0;
    for (int at = text.indexOf(SPAN_ID); at >= 0; at = text.indexOf(SPAN_ID, at + 1)) {
      int start = at + SPAN_ID.length();
      long id = Long.parseUnsignedLong(text, start, start + 16, 16);
      latest = Math.max(latest, traffic.timestampOf(SpanIds.numberOf(id)));
    }
    long deadline = latest + rootTimeoutMillis;
    flushes.add(new Flush(deadline, segment.timestamp() - deadline, now - deadline));
  }

  /** Returns the flushes whose deadline is in a range of epoch ms. */
  synchronized List<Flush> flushes(long fromMillis, long toMillis) {
    return flushes.stream()
        .filter(flush -> flush.deadline() >= fromMillis && flush.deadline() < toMillis)
        .toList();
  }

  @Override
  public void close() {
    consumer.wakeup();
    try {
      reader.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

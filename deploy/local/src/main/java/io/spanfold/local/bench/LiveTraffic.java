package io.spanfold.local.bench;

import io.spanfold.local.bench.load.Load;
import io.spanfold.local.bench.load.SpanStream;
import io.spanfold.local.cli.FailedRunException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;

/** Sends spans at the pace of their load, in a thread of its own, until closed. */
final class LiveTraffic implements AutoCloseable {

  private static final long TICK_NANOS = 2_000_000;

  /** An open trace is larger than the average trace: a large one is open for longer. */
  private static final int LARGE_TRACES = 6;

  private final BenchTopics topics;
  private final String topic;
  private final Load load;

  /** Record time by the span's number. Open traces have numbers beyond the load's count. */
  private final AtomicLongArray timestamps;

  private final AtomicLong sent = new AtomicLong();
  private final AtomicReference<Exception> failure = new AtomicReference<>();
  private final Thread sender = new Thread(this::send, "live-traffic");
  private volatile boolean stopped;

  private LiveTraffic(BenchTopics topics, String topic, Load load) {
    this.topics = topics;
    this.topic = topic;
    this.load = load;
    int beyond = (load.openTraces() + 1) * load.spansPerTrace() * LARGE_TRACES;
    this.timestamps = new AtomicLongArray(load.spans() + beyond);
  }

  static LiveTraffic start(BenchTopics topics, String topic, Load load) {
    LiveTraffic traffic = new LiveTraffic(topics, topic, load);
    traffic.sender.setDaemon(true);
    traffic.sender.start();
    return traffic;
  }

  private void send() {
    SpanStream spans = new SpanStream(load, 0);
    long start = System.nanoTime();
    try (KafkaProducer<byte[], byte[]> producer = topics.producer()) {
      while (!stopped && spans.hasNext() && failure.get() == null) {
        long due = (System.nanoTime() - start) / 1_000 * load.spansPerSecond() / 1_000_000;
        while (sent.get() < due && spans.hasNext()) {
          byte[] value = spans.next(System.currentTimeMillis());
          timestamps.setRelease((int) spans.number(), spans.timestamp());
          BenchTopics.send(producer, topic, spans, value, failure);
          sent.incrementAndGet();
        }
        TimeUnit.NANOSECONDS.sleep(TICK_NANOS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      failure.compareAndSet(null, e);
    }
  }

  /**
   * Returns how many spans were sent.
   *
   * @throws FailedRunException if one could not be sent
   */
  long sent() {
    if (failure.get() != null) {
      throw new FailedRunException("a span was not sent to " + topic, failure.get());
    }
    return sent.get();
  }

  /** Returns the record time of the span with this number; 0 if it was not sent. */
  long timestampOf(long number) {
    return number >= 0 && number < timestamps.length() ? timestamps.getAcquire((int) number) : 0;
  }

  @Override
  public void close() {
    stopped = true;
    try {
      sender.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

package io.spanfold.local;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.local.load.Ledger;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/** Reads the committed output into a ledger from a thread of its own, and notes when some came. */
final class OutputReader implements AutoCloseable {

  private static final Duration POLL = Duration.ofMillis(100);

  private final Ledger ledger;
  private final TopicCollector collector;
  private final AtomicReference<RuntimeException> failure = new AtomicReference<>();
  private final Thread thread = new Thread(this::read, "output");
  private final List<Long> arrivals = new ArrayList<>();
  private volatile boolean ending;

  OutputReader(String bootstrapServers, Ledger ledger) {
    this.ledger = ledger;
    this.collector =
        new TopicCollector(
            bootstrapServers,
            Map.of(
                Topics.SEGMENTS,
                this::segment,
                Topics.DEAD_LETTERS,
                this::deadLetter,
                Topics.OUTCOMES,
                outcome -> ledger.outcome(OutputLines.quantityOf(outcome.value()))));
  }

  void start() {
    thread.start();
  }

  /** Returns whether segments have come since, at a time in ms since the epoch. */
  boolean hasOutputSince(long millis) {
    check();
    synchronized (arrivals) {
      return !arrivals.isEmpty() && arrivals.get(arrivals.size() - 1) > millis;
    }
  }

  /** Returns the longest time without output that touches a span of time, in ms. */
  long longestGap(long fromMillis, long toMillis) {
    synchronized (arrivals) {
      return Gaps.longest(arrivals, fromMillis, toMillis);
    }
  }

  /** Returns the longest time without output that lies within a span of time, in ms. */
  long longestGapWithin(long fromMillis, long toMillis) {
    synchronized (arrivals) {
      return Gaps.longestWithin(arrivals, fromMillis, toMillis);
    }
  }

  /**
   * Reads up to where the topics end now, and ends.
   *
   * @throws FailedRunException where a transaction that was left open hides the rest
   */
  void finish() throws IOException {
    end();
    check();
    collector.drain();
  }

  private void check() {
    RuntimeException e = failure.get();
    if (e != null) {
      throw e;
    }
  }

  private void read() {
    try {
      while (!ending) {
        collector.poll(POLL);
      }
    } catch (IOException e) {
      failure.set(new UncheckedIOException("the output could not be read", e));
    } catch (RuntimeException e) {
      failure.set(e);
    }
  }

  private void segment(ConsumerRecord<byte[], byte[]> message) throws IOException {
    long now = System.currentTimeMillis();
    synchronized (arrivals) {
      if (arrivals.isEmpty() || arrivals.get(arrivals.size() - 1) < now) {
        arrivals.add(now);
      }
    }
    Header reason = message.headers().lastHeader("flush-reason");
    ledger.segment(
        new String(message.key(), UTF_8), new String(reason.value(), UTF_8), message.value(), now);
  }

  private void deadLetter(ConsumerRecord<byte[], byte[]> letter) {
    String key = letter.key() == null ? "without key" : new String(letter.key(), UTF_8);
    ledger.deadLetter(key, System.currentTimeMillis());
  }

  private void end() {
    ending = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailedRunException("interrupted while the output was read", e);
    }
  }

  @Override
  public void close() {
    end();
    collector.close();
  }
}

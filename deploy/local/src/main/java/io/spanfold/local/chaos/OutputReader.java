package io.spanfold.local.chaos;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.local.chaos.load.DeliveryVerifier;
import io.spanfold.local.chaos.load.FlatTraces;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.kafka.OutputRecords;
import io.spanfold.local.kafka.TopicReader;
import io.spanfold.local.kafka.Topics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Passes the committed output to a verifier, in a thread of its own, and records when segments of
 * the load arrive that were due by time. Its methods are for use by one other thread.
 */
final class OutputReader implements AutoCloseable {

  private static final Duration POLL = Duration.ofMillis(100);

  private final DeliveryVerifier verifier;
  private final TopicReader reader;
  private final AtomicReference<RuntimeException> failure = new AtomicReference<>();
  private final Thread thread = new Thread(this::read, "output");

  /** Epoch ms, ascending; guarded by itself. */
  private final List<Long> arrivals = new ArrayList<>();

  private volatile boolean ending;

  OutputReader(String bootstrapServers, DeliveryVerifier verifier) {
    this.verifier = verifier;
    this.reader = new TopicReader(bootstrapServers, Topics.OUTPUT, this::accept);
  }

  void start() {
    thread.start();
  }

  /**
   * Returns whether segments have arrived since a time in epoch ms.
   *
   * @throws RuntimeException if reading has failed
   */
  boolean hasOutputSince(long millis) {
    check();
    synchronized (arrivals) {
      return !arrivals.isEmpty() && arrivals.get(arrivals.size() - 1) > millis;
    }
  }

  /** Returns the longest time without output that overlaps a range of epoch ms, in ms. */
  long longestGap(long fromMillis, long toMillis) {
    synchronized (arrivals) {
      return longestGap(arrivals, fromMillis, toMillis);
    }
  }

  /** Returns the longest time without output within a range of epoch ms, in ms. */
  long longestGapWithin(long fromMillis, long toMillis) {
    synchronized (arrivals) {
      return longestGapWithin(arrivals, fromMillis, toMillis);
    }
  }

  /**
   * Returns the longest gap between neighbours in {@code times} that overlaps the range. Before the
   * first time and after the last, a gap counts from or to the end of the range.
   *
   * @param times ascending
   */
  static long longestGap(List<Long> times, long from, long to) {
    long longest = 0;
    long before = from;
    for (long time : times) {
      if (time <= from) {
        before = time;
        continue;
      }
      longest = Math.max(longest, time - before);
      before = time;
      if (time >= to) {
        return longest;
      }
    }
    return Math.max(longest, to - before);
  }

  /** Returns the same, with all gaps cut off at the ends of the range. */
  static long longestGapWithin(List<Long> times, long from, long to) {
    List<Long> within = times.stream().filter(time -> time > from && time < to).toList();
    return from < to ? longestGap(within, from, to) : 0;
  }

  /**
   * Reads to the current ends of the topics and stops.
   *
   * @throws FailedRunException if an open transaction hides records
   */
  void finish() throws IOException {
    end();
    check();
    reader.drain();
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
        reader.poll(POLL);
      }
    } catch (IOException e) {
      failure.set(new UncheckedIOException("the output could not be read", e));
    } catch (RuntimeException e) {
      failure.set(e);
    }
  }

  private void accept(ConsumerRecord<byte[], byte[]> output) throws IOException {
    long now = System.currentTimeMillis();
    switch (output.topic()) {
      case Topics.SEGMENTS -> {
        String key = new String(output.key(), UTF_8);
        String reason = new String(output.headers().lastHeader("flush-reason").value(), UTF_8);
        if (showsThatTimeAdvances(key, reason)) {
          addArrival(now);
        }
        verifier.segment(key, reason, output.value(), now);
      }
      case Topics.DEAD_LETTERS ->
          verifier.deadLetter(
              output.key() == null ? "without key" : new String(output.key(), UTF_8), now);
      default ->
          verifier.outcome(
              OutputRecords.reasonOf(output.value()), OutputRecords.quantityOf(output.value()));
    }
  }

  /**
   * Returns whether a segment would not come if the job's clock stood still, which must not go
   * unnoticed: a full part is flushed without it, and what a slow clock sends is due at once.
   */
  static boolean showsThatTimeAdvances(String key, String reason) {
    return !reason.equals("full") && !key.startsWith(FlatTraces.PROJECT + ":");
  }

  private void addArrival(long now) {
    synchronized (arrivals) {
      if (arrivals.isEmpty() || arrivals.get(arrivals.size() - 1) < now) {
        arrivals.add(now);
      }
    }
  }

  private void end() {
    ending = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailedRunException("interrupted while reading the output", e);
    }
  }

  @Override
  public void close() {
    end();
    reader.close();
  }
}

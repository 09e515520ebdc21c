package io.spanfold.local;

import io.spanfold.local.load.Ledger;
import io.spanfold.local.load.PlannedRecord;
import io.spanfold.local.load.TraceGenerator;
import java.util.Comparator;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Sends generated traces at a steady rate from a thread of its own, until it is told to end; what
 * has been begun is then sent to the end. Record timestamps are the times of sending.
 */
final class LoadPlayer implements AutoCloseable {

  /** If sending falls behind by more, the rest is put off, so that timestamps stay true. */
  private static final long MOST_LAG_MILLIS = 500;

  private final TraceGenerator generator;
  private final Ledger ledger;
  private final String bootstrapServers;
  private final Random random;
  private final double meanGapMillis;
  private final AtomicReference<RuntimeException> failure = new AtomicReference<>();
  private final Thread thread = new Thread(this::play, "load");
  private volatile boolean ending;
  private volatile boolean closed;
  private final AtomicLong putOffMillis = new AtomicLong();

  /**
   * Prepares a load.
   *
   * @param tracesPerSecond how many begin, on average
   */
  LoadPlayer(
      TraceGenerator generator,
      Ledger ledger,
      String bootstrapServers,
      Random random,
      double tracesPerSecond) {
    this.generator = generator;
    this.ledger = ledger;
    this.bootstrapServers = bootstrapServers;
    this.random = random;
    this.meanGapMillis = TimeUnit.SECONDS.toMillis(1) / tracesPerSecond;
  }

  void start() {
    thread.start();
  }

  /** Begins no more traces, and returns when all those begun have been sent and acknowledged. */
  void finish() {
    ending = true;
    join();
    check();
  }

  /**
   * Returns normally while sending goes well.
   *
   * @throws FailedRunException where it has failed
   */
  void check() {
    RuntimeException e = failure.get();
    if (e != null) {
      throw e;
    }
  }

  /** Returns by how much in all sending was put off since this process had no time for it. */
  long putOffMillis() {
    return putOffMillis.get();
  }

  private void join() {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailedRunException("interrupted while the load was ending", e);
    }
  }

  private void play() {
    try (SpanProducer producer = new SpanProducer(bootstrapServers)) {
      send(producer);
      producer.flush();
    } catch (RuntimeException e) {
      failure.set(e);
    }
  }

  private void send(SpanProducer producer) {
    PriorityQueue<PlannedRecord> due =
        new PriorityQueue<>(Comparator.comparingLong(PlannedRecord::dueMillis));
    long start = System.currentTimeMillis();
    double nextTrace = 0;
    while (!closed && !(ending && due.isEmpty())) {
      long now = System.currentTimeMillis() - start;
      while (!ending && nextTrace <= now) {
        due.addAll(generator.nextTrace((long) nextTrace));
        nextTrace += -Math.log(1 - random.nextDouble()) * meanGapMillis;
      }
      while (!due.isEmpty() && due.peek().dueMillis() <= now) {
        PlannedRecord next = due.remove();
        long lag = System.currentTimeMillis() - start - next.dueMillis();
        if (lag > MOST_LAG_MILLIS) {
          start += lag;
          putOffMillis.addAndGet(lag);
          now = next.dueMillis();
        }
        long timestamp = start + next.dueMillis();
        ledger.sent(next, timestamp);
        producer.send(Optional.ofNullable(next.key()), timestamp, next.value());
      }
      Pause.millis(5);
    }
  }

  /** Ends sending at once. */
  @Override
  public void close() {
    closed = true;
    join();
  }
}

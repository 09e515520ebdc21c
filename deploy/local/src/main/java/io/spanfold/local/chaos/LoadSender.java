package io.spanfold.local.chaos;

import io.spanfold.embedded.Await;
import io.spanfold.local.chaos.load.DeliveryVerifier;
import io.spanfold.local.chaos.load.PlannedRecord;
import io.spanfold.local.chaos.load.TraceGenerator;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.kafka.SpanProducer;
import java.util.Comparator;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Sends generated traces at a steady rate, in a thread of its own. Record timestamps are the times
 * of sending, but for some while {@link #oldTimestamps} are on. Its methods are for use by one
 * other thread.
 */
final class LoadSender implements AutoCloseable {

  /** If sending lags by more, all later records are delayed, so that timestamps stay true. */
  private static final long MAX_LAG_MILLIS = 500;

  /** A longer delay moves the spans of a trace further apart than the job waits for them. */
  private static final long MAX_DELAY_MILLIS = 5_000;

  private static final int ONE_OLD_TIMESTAMP_IN = 20;
  private static final long OLD_MILLIS = TimeUnit.MINUTES.toMillis(20);

  private final TraceGenerator generator;
  private final DeliveryVerifier verifier;
  private final String bootstrapServers;
  private final int partitions;
  private final Random random;
  private final double meanGapMillis;
  private final AtomicReference<RuntimeException> failure = new AtomicReference<>();
  private final Thread thread = new Thread(this::play, "load");
  private volatile boolean ending;
  private volatile boolean closed;
  private volatile boolean oldTimestamps;
  private final AtomicLong delayedMillis = new AtomicLong();

  /**
   * Sends nothing before {@link #start()}.
   *
   * @param partitions the number of the source topic's first partitions to send to
   * @param tracesPerSecond how many start, on average
   */
  LoadSender(
      TraceGenerator generator,
      DeliveryVerifier verifier,
      String bootstrapServers,
      int partitions,
      Random random,
      double tracesPerSecond) {
    this.generator = generator;
    this.verifier = verifier;
    this.bootstrapServers = bootstrapServers;
    this.partitions = partitions;
    this.random = random;
    this.meanGapMillis = TimeUnit.SECONDS.toMillis(1) / tracesPerSecond;
  }

  void start() {
    thread.start();
  }

  /** Sets whether one record in twenty has a timestamp of long ago. */
  void oldTimestamps(boolean on) {
    oldTimestamps = on;
  }

  /** Starts no more traces. Returns when the broker has acknowledged all that were started. */
  void finish() {
    ending = true;
    join();
    check();
  }

  /**
   * Checks that sending has not failed.
   *
   * @throws RuntimeException if it has
   */
  void check() {
    RuntimeException e = failure.get();
    if (e != null) {
      throw e;
    }
  }

  /** Returns the total delay of sending, in ms, that a lag of this process caused. */
  long delayedMillis() {
    return delayedMillis.get();
  }

  private void join() {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailedRunException("interrupted while the load ended", e);
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
        if (lag > MAX_LAG_MILLIS) {
          checkDelay(lag);
          start += lag;
          delayedMillis.addAndGet(lag);
          now = next.dueMillis();
        }
        long timestamp = start + next.dueMillis();
        verifier.sent(next, timestamp);
        producer.send(
            partition(next.key()), Optional.ofNullable(next.key()), stamp(timestamp), next.value());
      }
      Await.millis(5);
    }
  }

  private static void checkDelay(long millis) {
    if (millis > MAX_DELAY_MILLIS) {
      throw new FailedRunException(
          "the load stood still for %d ms, so segments were cut by their timeout, and the run shows nothing; use a lower --rate, or less beside it"
              .formatted(millis));
    }
  }

  private int partition(String key) {
    return key == null ? random.nextInt(partitions) : Math.floorMod(key.hashCode(), partitions);
  }

  /** Returns a record's timestamp: in some records 0, seconds as milliseconds, or 20 min old. */
  private long stamp(long timestamp) {
    if (!oldTimestamps || random.nextInt(ONE_OLD_TIMESTAMP_IN) > 0) {
      return timestamp;
    }
    return switch (random.nextInt(3)) {
      case 0 -> 0;
      case 1 -> TimeUnit.MILLISECONDS.toSeconds(timestamp);
      default -> timestamp - OLD_MILLIS;
    };
  }

  /** Stops sending at once. */
  @Override
  public void close() {
    closed = true;
    join();
  }
}

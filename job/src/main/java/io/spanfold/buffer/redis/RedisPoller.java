package io.spanfold.buffer.redis;

import java.time.Duration;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks Redis a question periodically, in one daemon thread: at once, and then with a fixed delay
 * after each answer. An exception is logged, and the question is asked again.
 */
public final class RedisPoller {

  private static final Logger LOG = LoggerFactory.getLogger(RedisPoller.class);

  /** Longer than a running call takes, with its retries. */
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(6);

  private final ScheduledThreadPoolExecutor executor;

  /** Creates a poller; {@code name} is that of its thread. */
  public RedisPoller(String name) {
    executor =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, name);
              thread.setDaemon(true);
              // Not that of the first task: the task may end before the thread does.
              thread.setContextClassLoader(RedisPoller.class.getClassLoader());
              return thread;
            });
  }

  /** Starts to ask; to be called once. */
  public void start(Runnable question, Duration delay) {
    executor.scheduleWithFixedDelay(
        () -> {
          try {
            question.run();
          } catch (RuntimeException | Error e) {
            LOG.error("Polling Redis failed; it continues", e);
          }
        },
        0,
        delay.toNanos(),
        TimeUnit.NANOSECONDS);
  }

  /**
   * Stops polling. A running question is not interrupted; {@code last} runs after it in the same
   * thread. Waits up to 6 s for that, because Flink unloads the classes when the last task is
   * closed.
   */
  public void close(Runnable last) throws InterruptedException {
    executor.execute(last);
    executor.shutdown();
    if (!executor.awaitTermination(CLOSE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
      LOG.warn("A question to Redis is still unanswered after {}", CLOSE_TIMEOUT);
    }
  }
}

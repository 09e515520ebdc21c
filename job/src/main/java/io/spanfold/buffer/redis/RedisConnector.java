package io.spanfold.buffer.redis;

import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds the buffer's nodes, trying again for as long as the policy says. */
public final class RedisConnector {

  private static final Logger LOG = LoggerFactory.getLogger(RedisConnector.class);

  private RedisConnector() {}

  /**
   * Returns the nodes behind the settings' addresses.
   *
   * @throws StoreException where they cannot be reached in time, or are not fit
   */
  public static RedisNodes connect(ConnectionSettings settings, RetryPolicy retries) {
    return tryOn(settings, retries, RedisNodes::discover);
  }

  /**
   * The same for any question to these addresses.
   *
   * @throws StoreException as above
   */
  public static <T> T tryOn(
      ConnectionSettings settings, RetryPolicy retries, Function<ConnectionSettings, T> question) {
    RetryPolicy.Attempts attempts = retries.begin();
    while (true) {
      try {
        return question.apply(settings);
      } catch (IllegalArgumentException e) {
        throw new StoreException(e.getMessage(), e);
      } catch (RuntimeException e) {
        RedisFailure kind = RedisFailure.of(e);
        LOG.debug("Cannot connect to {} (attempt {})", settings.nodes(), attempts.made(), e);
        try {
          if (kind == RedisFailure.FATAL || !attempts.pause()) {
            throw failed(settings, attempts, kind, e);
          }
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          throw new StoreException("interrupted while connecting to " + settings.nodes(), e);
        }
      }
    }
  }

  private static StoreException failed(
      ConnectionSettings settings,
      RetryPolicy.Attempts attempts,
      RedisFailure kind,
      RuntimeException e) {
    return new StoreException(
        "cannot connect to Redis at %s after %d attempts in %d ms: %s; %s"
            .formatted(
                settings.nodes(),
                attempts.made(),
                attempts.elapsed().toMillis(),
                // Some messages of the client end like a sentence, which goes on here.
                String.valueOf(e.getMessage()).replaceFirst("\\.$", ""),
                kind == RedisFailure.FATAL
                    ? "see whether user name, password and rights are those that the server wants"
                    : "see whether the servers run and are reachable from here"),
        e);
  }
}

package io.spanfold.store;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds the buffer's nodes, trying again for as long as the policy says. */
final class StoreConnector {

  private static final Logger LOG = LoggerFactory.getLogger(StoreConnector.class);

  private StoreConnector() {}

  /**
   * Returns the nodes behind the settings' addresses.
   *
   * @throws StoreException where they cannot be reached in time, or are not fit
   */
  static RedisNodes connect(StoreSettings settings, RetryPolicy retries) {
    RetryPolicy.Attempts attempts = retries.begin();
    while (true) {
      try {
        return RedisNodes.discover(settings);
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
      StoreSettings settings,
      RetryPolicy.Attempts attempts,
      RedisFailure kind,
      RuntimeException e) {
    return new StoreException(
        "cannot connect to Redis at %s after %d attempts in %d ms: %s. %s"
            .formatted(
                settings.nodes(),
                attempts.made(),
                attempts.elapsed().toMillis(),
                e.getMessage(),
                kind == RedisFailure.FATAL
                    ? "See whether user name, password and rights are those that the server wants."
                    : "See whether the servers run and are reachable from here."),
        e);
  }
}

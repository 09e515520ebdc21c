package io.spanfold.buffer.redis;

import java.io.Serializable;
import java.net.URI;
import java.time.Duration;
import java.util.List;

/**
 * The connection to Redis.
 *
 * @param nodes one node, or one or more nodes of a cluster; see {@link RedisUris}
 * @param login the user and its password
 * @param authorities PEM certificates that may sign the servers' certificates; null for Java's
 *     trust store
 * @param timeouts bounds on the time that an operation takes
 */
public record ConnectionSettings(
    List<URI> nodes, Login login, String authorities, Timeouts timeouts) implements Serializable {

  private static final long serialVersionUID = 1L;

  /**
   * Checks the addresses.
   *
   * @throws IllegalArgumentException if there is no node or one is invalid
   */
  public ConnectionSettings {
    nodes = RedisUris.checked(nodes);
  }

  /**
   * Credentials.
   *
   * @param username null for Redis's default user
   * @param password null for none. Never logged
   */
  public record Login(String username, String password) implements Serializable {

    private static final long serialVersionUID = 1L;

    /** The default user without a password. */
    public static final Login NONE = new Login(null, null);

    @Override
    public String toString() {
      return "Login[username=%s, password=%s]"
          .formatted(username, password == null ? "none" : "***");
    }
  }

  /**
   * Bounds on the time that an operation takes.
   *
   * @param connect to open a connection
   * @param answer to wait for an answer of a node
   * @param retries from the first attempt at an operation to its last; one more attempt may be
   *     under way when it ends
   */
  public record Timeouts(Duration connect, Duration answer, Duration retries)
      implements Serializable {

    private static final long serialVersionUID = 1L;

    /** 5 s to connect, 15 s for an answer, 2 minutes of retries. */
    public static final Timeouts DEFAULT =
        new Timeouts(Duration.ofSeconds(5), Duration.ofSeconds(15), Duration.ofMinutes(2));
  }

  /** Returns settings without a login, with Java's trust store and the default timeouts. */
  public static ConnectionSettings of(List<URI> nodes) {
    return new ConnectionSettings(nodes, Login.NONE, null, Timeouts.DEFAULT);
  }

  /** Returns these settings with other timeouts. */
  public ConnectionSettings within(Timeouts other) {
    return new ConnectionSettings(nodes, login, authorities, other);
  }

  /** Returns the pauses between attempts at an operation. */
  public RetryPolicy retries() {
    return RetryPolicy.within(timeouts.retries());
  }

  /** Returns whether connections are encrypted. */
  public boolean tls() {
    return RedisUris.tls(nodes);
  }
}

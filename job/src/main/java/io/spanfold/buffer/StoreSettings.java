package io.spanfold.buffer;

import java.io.Serializable;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * How to reach the buffer and what to write there.
 *
 * @param nodes {@code redis://host:port} or {@code rediss://host:port} (TLS), one or more nodes; a
 *     cluster is recognised. Without user names and passwords: these have settings of their own, as
 *     addresses are logged
 * @param username who to log in as; null for Redis's default user
 * @param password what to log in with; null for none. Never logged
 * @param authorities PEM text of those that may sign the servers' certificates; null for Java's
 *     trust store
 * @param ttl how long a key lives that nobody removes; whole seconds
 * @param compressionLevel zstd level, 0 for its default, -1 for none
 * @param compressionDictionary whether to compress with a dictionary trained from the traffic;
 *     without effect on what is read
 * @param phase which layouts to write and to read
 * @param connectTimeout how long opening a connection may take
 * @param socketTimeout how long Redis may take to answer
 * @param retryBudget for how long an operation is tried again, in all; one more attempt may be
 *     under way when it ends
 */
public record StoreSettings(
    List<URI> nodes,
    String username,
    String password,
    String authorities,
    Duration ttl,
    int compressionLevel,
    boolean compressionDictionary,
    RolloutPhase phase,
    Duration connectTimeout,
    Duration socketTimeout,
    Duration retryBudget)
    implements Serializable {

  private static final Set<String> SCHEMES = Set.of("redis", "rediss");
  private static final int DEFAULT_PORT = 6379;

  /**
   * Checks the settings.
   *
   * @throws IllegalArgumentException where they cannot work; the message says what to change
   */
  public StoreSettings {
    nodes = List.copyOf(nodes);
    if (nodes.isEmpty()) {
      throw new IllegalArgumentException("no Redis node is given; name at least one");
    }
    nodes.forEach(StoreSettings::check);
    if (nodes.stream().map(URI::getScheme).distinct().count() > 1) {
      throw new IllegalArgumentException(
          "Redis nodes with and without TLS are mixed; give all as rediss:// or all as redis://");
    }
    if (ttl.toSeconds() < 1) {
      throw new IllegalArgumentException("the TTL of keys in Redis is below a second: " + ttl);
    }
  }

  /**
   * Returns settings with the usual values: no login, a TTL of 24 hours, zstd's default level with
   * a dictionary, 5 s to connect, 15 s for an answer, and 2 minutes of retries.
   */
  public static StoreSettings of(List<URI> nodes) {
    return new StoreSettings(
        nodes,
        null,
        null,
        null,
        Duration.ofHours(24),
        0,
        true,
        RolloutPhase.DISTRIBUTED,
        Duration.ofSeconds(5),
        Duration.ofSeconds(15),
        Duration.ofMinutes(2));
  }

  /** Returns these settings with a login; {@code user} is null for Redis's default user. */
  public StoreSettings withLogin(String user, String secret) {
    return new StoreSettings(
        nodes,
        user,
        secret,
        authorities,
        ttl,
        compressionLevel,
        compressionDictionary,
        phase,
        connectTimeout,
        socketTimeout,
        retryBudget);
  }

  /** Returns these settings with other bounds on time. */
  public StoreSettings withTimeouts(Duration connect, Duration socket, Duration retries) {
    return new StoreSettings(
        nodes,
        username,
        password,
        authorities,
        ttl,
        compressionLevel,
        compressionDictionary,
        phase,
        connect,
        socket,
        retries);
  }

  /** Returns these settings with another TTL and compression level. */
  public StoreSettings withStorage(Duration timeToLive, int level) {
    return new StoreSettings(
        nodes,
        username,
        password,
        authorities,
        timeToLive,
        level,
        compressionDictionary,
        phase,
        connectTimeout,
        socketTimeout,
        retryBudget);
  }

  /** Returns these settings without a dictionary for compression. */
  public StoreSettings withoutDictionary() {
    return new StoreSettings(
        nodes,
        username,
        password,
        authorities,
        ttl,
        compressionLevel,
        false,
        phase,
        connectTimeout,
        socketTimeout,
        retryBudget);
  }

  /** Returns these settings with another rollout phase. */
  public StoreSettings withPhase(RolloutPhase rollout) {
    return new StoreSettings(
        nodes,
        username,
        password,
        authorities,
        ttl,
        compressionLevel,
        compressionDictionary,
        rollout,
        connectTimeout,
        socketTimeout,
        retryBudget);
  }

  /** Returns the layouts that are written, as bits of {@code PayloadLayout}. */
  public int layouts() {
    return PayloadLayouts.bits(phase);
  }

  /** Returns whether connections are encrypted. */
  public boolean tls() {
    return nodes.get(0).getScheme().equals("rediss");
  }

  /** Returns the port of {@code node}; Redis's usual one where none is given. */
  static int portOf(URI node) {
    return node.getPort() < 0 ? DEFAULT_PORT : node.getPort();
  }

  /** Returns the settings without the password. */
  @Override
  public String toString() {
    return "StoreSettings[nodes=%s, username=%s, password=%s, ttl=%s, compressionLevel=%d, compressionDictionary=%b, phase=%s, connectTimeout=%s, socketTimeout=%s, retryBudget=%s]"
        .formatted(
            nodes,
            username,
            password == null ? "none" : "***",
            ttl,
            compressionLevel,
            compressionDictionary,
            phase,
            connectTimeout,
            socketTimeout,
            retryBudget);
  }

  private static void check(URI node) {
    // Before anything that could quote the address.
    if (node.getRawUserInfo() != null || String.valueOf(node.getRawAuthority()).contains("@")) {
      throw new IllegalArgumentException(
          "a Redis address contains a user name or password; give them by the settings for these, as addresses are logged");
    }
    if (node.getScheme() == null || !SCHEMES.contains(node.getScheme()) || node.getHost() == null) {
      throw new IllegalArgumentException(
          "not the address of a Redis node: %s; write redis://host:port or rediss://host:port"
              .formatted(node));
    }
    boolean more = node.getRawQuery() != null || node.getRawFragment() != null;
    String path = node.getRawPath();
    if (more || !(path == null || path.isEmpty() || path.equals("/"))) {
      throw new IllegalArgumentException(
          "the address of a Redis node has more than host and port: %s; there are no database numbers here, as a cluster has none"
              .formatted(node));
    }
  }
}

package io.spanfold.buffer.redis;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;

/**
 * Addresses of Redis nodes: {@code redis://host:port}, or {@code rediss://host:port} for TLS.
 *
 * <p>They hold no credentials, because they appear in logs and messages. No message repeats an
 * address that contains some.
 */
public final class RedisUris {

  private static final int DEFAULT_PORT = 6379;
  private static final int MAX_PORT = 65_535;
  private static final String TLS = "rediss";

  private RedisUris() {}

  /**
   * Reads addresses that are separated by commas; a missing port is 6379.
   *
   * @throws IllegalArgumentException if there is none or one is invalid; the message is the
   *     predicate of a sentence and says what to change
   */
  public static List<URI> parse(String text) {
    List<URI> nodes = new ArrayList<>();
    for (String part : text.split(",", -1)) {
      nodes.add(node(part.strip()));
    }
    checkSchemes(nodes);
    return List.copyOf(nodes);
  }

  /**
   * Does what {@link #parse} does for addresses that are URIs already.
   *
   * @throws IllegalArgumentException see {@link #parse}
   */
  static List<URI> checked(List<URI> uris) {
    List<URI> nodes = uris.stream().map(uri -> node(uri.toString())).toList();
    checkSchemes(nodes);
    return nodes;
  }

  /** Returns whether connections to {@code nodes} are encrypted. */
  static boolean tls(List<URI> nodes) {
    return nodes.get(0).getScheme().equals(TLS);
  }

  private static URI node(String text) {
    if (text.contains("@")) {
      throw new IllegalArgumentException(
          "contains a user name or a password, which logs would show; set redis.username and"
              + " redis.password.file instead");
    }
    try {
      URI uri = new URI(text);
      boolean bare =
          (uri.getRawPath() == null || uri.getRawPath().isEmpty() || uri.getRawPath().equals("/"))
              && uri.getRawQuery() == null
              && uri.getRawFragment() == null;
      boolean redis = "redis".equals(uri.getScheme()) || TLS.equals(uri.getScheme());
      if (redis && bare && uri.getHost() != null && uri.getPort() <= MAX_PORT) {
        int port = uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort();
        return new URI(uri.getScheme() + "://" + uri.getHost() + ":" + port);
      }
    } catch (URISyntaxException e) {
      throw invalid(text, e);
    }
    throw invalid(text, null);
  }

  private static IllegalArgumentException invalid(String text, URISyntaxException cause) {
    return new IllegalArgumentException(
        "contains '%s', which is not the address of a Redis node; write redis://host:port or rediss://host:port, several separated by commas, without a database number"
            .formatted(text),
        cause);
  }

  private static void checkSchemes(List<URI> nodes) {
    if (nodes.isEmpty()) {
      throw new IllegalArgumentException("is empty; name at least one Redis node");
    }
    if (nodes.stream().map(URI::getScheme).distinct().count() > 1) {
      throw new IllegalArgumentException(
          "mixes redis:// and rediss:// (TLS); use one of them for all nodes, because the nodes of"
              + " a cluster speak either");
    }
  }
}

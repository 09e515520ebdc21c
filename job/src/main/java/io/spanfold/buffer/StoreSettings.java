package io.spanfold.buffer;

import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.buffer.redis.ConnectionSettings;
import java.io.Serializable;
import java.net.URI;
import java.time.Duration;
import java.util.List;

/**
 * The connection to the buffer, and the form in which payloads are written.
 *
 * @param redis the connection
 * @param ttl lifetime of a key after its last write; whole seconds
 * @param compressionLevel zstd level, 0 for its default, -1 for none
 * @param compressionDictionary whether to compress with a dictionary trained from the traffic; has
 *     no effect on what can be read
 * @param phase which layouts to write and which to read first
 * @param buckets the buckets that traces are divided into
 */
public record StoreSettings(
    ConnectionSettings redis,
    Duration ttl,
    int compressionLevel,
    boolean compressionDictionary,
    RolloutPhase phase,
    Buckets buckets)
    implements Serializable {

  private static final long serialVersionUID = 1L;

  /**
   * Checks the TTL.
   *
   * @throws IllegalArgumentException if it is below a second
   */
  public StoreSettings {
    if (ttl.toSeconds() < 1) {
      throw new IllegalArgumentException("the TTL of keys in Redis is below a second: " + ttl);
    }
  }

  /**
   * Returns settings with default values: those of {@link ConnectionSettings#of}, a TTL of 24
   * hours, zstd's default level with a dictionary, the distributed layout, {@link Buckets#DEFAULT}.
   */
  public static StoreSettings of(List<URI> nodes) {
    return new StoreSettings(
        ConnectionSettings.of(nodes),
        Duration.ofHours(24),
        0,
        true,
        RolloutPhase.DISTRIBUTED,
        Buckets.DEFAULT);
  }
}

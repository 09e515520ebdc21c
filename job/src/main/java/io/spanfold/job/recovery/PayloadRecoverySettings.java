package io.spanfold.job.recovery;

import java.io.Serializable;
import java.time.Duration;
import java.util.Map;

/**
 * Where the source records are.
 *
 * @param properties the user's properties of Kafka's clients; may hold secrets
 * @param topic the source topic
 * @param timeout how long reading may make no progress before it fails
 */
public record PayloadRecoverySettings(
    String bootstrapServers, Map<String, String> properties, String topic, Duration timeout)
    implements Serializable {

  private static final long serialVersionUID = 1L;

  @Override
  public String toString() {
    return "PayloadRecoverySettings[%s of %s]".formatted(topic, bootstrapServers);
  }
}

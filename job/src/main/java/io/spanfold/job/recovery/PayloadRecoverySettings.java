package io.spanfold.job.recovery;

import java.io.Serializable;
import java.time.Duration;
import java.util.Map;

/**
 * Where the source records are, and how long to ask for them.
 *
 * @param bootstrapServers brokers to start from
 * @param properties for Kafka's clients, as the job was given them; may hold secrets
 * @param topic the source topic
 * @param patience how long reading may go on without any progress
 */
public record PayloadRecoverySettings(
    String bootstrapServers, Map<String, String> properties, String topic, Duration patience)
    implements Serializable {

  private static final long serialVersionUID = 1L;

  @Override
  public String toString() {
    return "RereadSettings[%s of %s]".formatted(topic, bootstrapServers);
  }
}

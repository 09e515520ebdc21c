package io.spanfold.job.recovery;

import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import java.io.Serializable;
import java.time.Duration;

/**
 * Where the source records are, and how long to wait for them.
 *
 * @param topic the source topic
 * @param timeout how long reading may make no progress
 */
public record PayloadRecoverySettings(KafkaSettings kafka, String topic, Duration timeout)
    implements Serializable {

  private static final long serialVersionUID = 1L;
}

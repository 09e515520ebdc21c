package io.spanfold.local.inspect;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import redis.clients.jedis.Jedis;

/**
 * Who has a buffer just now.
 *
 * @param buffer its name
 * @param job the Flink job's id
 * @param epoch grows with each attempt of a job and each change of owner
 * @param since since when the job has it
 * @param left when it runs out unless renewed, which the job does each second
 */
public record BufferLease(String buffer, String job, String epoch, Instant since, Duration left) {

  /** Reads it; empty where nobody has the buffer. */
  public static Optional<BufferLease> read(BufferNodes nodes) {
    try (Jedis jedis = nodes.open(nodes.nodeOf(BufferKey.LEASE))) {
      Map<String, String> fields = jedis.hgetAll(BufferKey.LEASE);
      if (fields.isEmpty()) {
        return Optional.empty();
      }
      long since = Long.parseLong(fields.getOrDefault("since", "0"));
      return Optional.of(
          new BufferLease(
              fields.getOrDefault("buffer", "?"),
              fields.getOrDefault("job", "?"),
              fields.getOrDefault("epoch", "?"),
              Instant.ofEpochMilli(since),
              Duration.ofMillis(Math.max(0, jedis.pttl(BufferKey.LEASE)))));
    }
  }

  /** Returns it in words. */
  @Override
  public String toString() {
    return "buffer %s of job %s since %s, epoch %s, runs out in %d s"
        .formatted(buffer, job, since, epoch, left.toSeconds());
  }
}

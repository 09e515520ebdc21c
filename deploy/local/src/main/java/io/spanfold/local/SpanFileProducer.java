package io.spanfold.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.function.LongConsumer;

/**
 * Sends a file of source records, a line each. The Kafka timestamp is the record's {@code received}
 * or, without one, that of the last line which had one; lines before the first such take its time.
 */
final class SpanFileProducer {

  /**
   * What was sent.
   *
   * @param lines records, of whatever kind
   * @param repeats those whose span (project, trace, span id) an earlier line had already
   */
  record Sent(long lines, long repeats) {}

  private SpanFileProducer() {}

  /**
   * Sends the whole file and returns when the broker has it.
   *
   * @param progress told the number of lines now and then
   * @throws IOException where the file cannot be read
   * @throws FailedRunException where a line cannot be sent
   */
  static Sent send(Path file, SpanProducer producer, LongConsumer progress) throws IOException {
    LongHashSet seen = new LongHashSet();
    long lines = 0;
    long repeats = 0;
    long timestamp = firstReceived(file);
    try (LineReader reader = LineReader.open(file)) {
      for (byte[] line = reader.next(); line != null; line = reader.next()) {
        if (line.length > Topics.MAX_SOURCE_RECORD_BYTES) {
          throw new FailedRunException(
              "line %d of %s is %d bytes long; the broker here takes at most %d"
                  .formatted(lines + 1, file, line.length, Topics.MAX_SOURCE_RECORD_BYTES));
        }
        SourceFields fields = SourceFields.of(line);
        timestamp = fields.receivedMillis().orElse(timestamp);
        producer.send(fields.traceId(), timestamp, line);
        boolean isNew = fields.spanKey().map(LongHashSet::hash).map(seen::add).orElse(true);
        repeats += isNew ? 0 : 1;
        lines++;
        if (lines % 1_000 == 0) {
          progress.accept(lines);
        }
      }
    }
    producer.flush();
    progress.accept(lines);
    return new Sent(lines, repeats);
  }

  private static long firstReceived(Path file) throws IOException {
    // A pipe can be read only once, so that there the first lines take the present.
    if (Files.isRegularFile(file)) {
      try (LineReader reader = LineReader.open(file)) {
        for (byte[] line = reader.next(); line != null; line = reader.next()) {
          OptionalLong received = SourceFields.of(line).receivedMillis();
          if (received.isPresent()) {
            return received.getAsLong();
          }
        }
      }
    }
    return System.currentTimeMillis();
  }
}

package io.spanfold.local.replay;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.kafka.SpanProducer;
import io.spanfold.local.kafka.Topics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.OptionalLong;
import java.util.function.LongConsumer;

/**
 * Sends a file of source records, one per line. Two forms, also used for dead letters, express
 * records that a line cannot: {@code {"value_base64":"..."}} any bytes, {@code {"value":null}} a
 * tombstone. The Kafka timestamp is the record's {@code received}. A line without it gets the
 * timestamp of the last line that has it, or of the first such line if none is before.
 */
final class SourceFileSender {

  private static final String TOMBSTONE = "{\"value\":null}";
  private static final String BASE64_BEGIN = "{\"value_base64\":\"";
  private static final String BASE64_END = "\"}";

  /**
   * Counts of the sent records.
   *
   * @param lines all records
   * @param repeats records whose span (project, trace, span id) is in an earlier line
   */
  record Sent(long lines, long repeats) {}

  private SourceFileSender() {}

  /**
   * Sends the whole file and returns when the broker has acknowledged it.
   *
   * @param progress receives the number of lines every 1,000 lines and at the end
   * @throws IOException if the file cannot be read
   * @throws FailedRunException if a line cannot be sent
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
        byte[] value = value(line);
        SourceFields fields = value == null ? SourceFields.NONE : SourceFields.of(value);
        timestamp = fields.receivedMillis().orElse(timestamp);
        producer.send(fields.traceId(), timestamp, value);
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

  /** Returns the value of a line; null for a tombstone. */
  private static byte[] value(byte[] line) {
    String text = new String(line, ISO_8859_1);
    if (text.equals(TOMBSTONE)) {
      return null;
    }
    if (text.startsWith(BASE64_BEGIN) && text.endsWith(BASE64_END)) {
      try {
        return Base64.getDecoder()
            .decode(text.substring(BASE64_BEGIN.length(), text.length() - BASE64_END.length()));
      } catch (IllegalArgumentException e) {
        return line; // Sent unchanged; the job rejects it.
      }
    }
    return line;
  }

  private static long firstReceived(Path file) throws IOException {
    // A pipe can be read only once: its first lines get the current time.
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

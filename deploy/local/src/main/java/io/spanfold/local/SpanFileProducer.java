package io.spanfold.local;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.OptionalLong;
import java.util.function.LongConsumer;

/**
 * Sends a file of source records, a line each. What a line cannot hold is written as in the file of
 * dead letters: {@code {"value_base64":"..."}} for any bytes, {@code {"value":null}} for none. The
 * Kafka timestamp is the record's {@code received} or, without one, that of the last line which had
 * one; lines before the first such take its time.
 */
final class SpanFileProducer {

  private static final String TOMBSTONE = "{\"value\":null}";
  private static final String BASE64_BEGIN = "{\"value_base64\":\"";
  private static final String BASE64_END = "\"}";

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

  /** Returns the value that a line stands for; null for a tombstone. */
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
        return line; // Not one of ours: as bad a record as any.
      }
    }
    return line;
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

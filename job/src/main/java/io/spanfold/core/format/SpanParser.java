package io.spanfold.core.format;

import com.fasterxml.jackson.core.ErrorReportConfiguration;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import io.spanfold.core.model.Span;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;

/**
 * Reads records of the source topic. Only the used fields are interpreted; everything else is only
 * checked to be JSON in UTF-8, and is kept as bytes. A lone surrogate written as an escape is
 * accepted in a string, but not in a field's name, because few readers can represent it there.
 *
 * <p>A record of the usual form is read by {@link RecordScanner}. All others, so all that are
 * rejected, are read by Jackson.
 *
 * <p>Not thread-safe; to be used again for every record.
 */
public final class SpanParser {

  /**
   * How many objects and arrays may be open at once, the record itself included. Far above the
   * depth that instrumentation writes, and far below the depth at which recursive readers of the
   * segments fail.
   */
  public static final int MAX_DEPTH = 100;

  private static final int MAX_ERROR_LENGTH = 200;

  private final int maxRecordBytes;
  private final JsonFactory factory;
  private final RecordScanner scanner = new RecordScanner();

  /**
   * @param maxRecordBytes the largest record that is accepted: what certainly fits alone into a
   *     message of the segments topic
   */
  public SpanParser(int maxRecordBytes) {
    this.maxRecordBytes = maxRecordBytes;
    // Size is bounded once, by maxRecordBytes; Jackson's own limits would only reject good records.
    StreamReadConstraints constraints =
        StreamReadConstraints.builder()
            .maxNestingDepth(MAX_DEPTH)
            .maxStringLength(Integer.MAX_VALUE)
            .maxNameLength(Integer.MAX_VALUE)
            .maxNumberLength(Integer.MAX_VALUE)
            .build();
    this.factory =
        JsonFactory.builder()
            .streamReadConstraints(constraints)
            .errorReportConfiguration(
                ErrorReportConfiguration.builder()
                    .maxErrorTokenLength(Excerpt.MAX_CHARACTERS)
                    .build())
            // Names are input: they must not stay in the JVM's table of interned strings.
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            // One parser is open at a time. A thread-local pool would outlive the job's classes.
            .recyclerPool(JsonRecyclerPools.newBoundedPool(1))
            .build();
  }

  /**
   * Reads one record.
   *
   * @param value the record's value; null for a tombstone. It must not be changed after, because
   *     the span keeps it unless white space surrounds the object
   * @param clampedTimestamp record time in milliseconds, clamped to at most a minute ahead of the
   *     wall clock
   * @param partition the source partition
   * @param offset the offset there
   * @throws RejectedRecordException if the record is not a valid span; the parser stays usable
   */
  public Span parse(byte[] value, long clampedTimestamp, int partition, long offset)
      throws RejectedRecordException {
    int end = value == null ? 0 : value.length;
    while (end > 0 && isWhiteSpace(value[end - 1])) {
      end--;
    }
    if (end == 0) {
      throw new RejectedRecordException(
          RejectReason.EMPTY, "the record has no value; expected a JSON object");
    }
    int start = 0;
    while (isWhiteSpace(value[start])) {
      start++;
    }
    checkBytes(value, start, end);
    RecordFields fields = scanner.scan(value, start, end);
    if (fields == null) {
      fields = read(value, start, end);
    }
    byte[] record =
        start == 0 && end == value.length ? value : Arrays.copyOfRange(value, start, end);
    return new Span(
        fields.trace(),
        fields.spanId,
        fields.parentId(),
        fields.root(),
        clampedTimestamp,
        fields.organizationId,
        partition,
        offset,
        0,
        fields.stampPoints(),
        record);
  }

  private void checkBytes(byte[] value, int start, int end) throws RejectedRecordException {
    if (end - start > maxRecordBytes) {
      throw new RejectedRecordException(
          RejectReason.TOO_LARGE,
          "the record has %d bytes; expected at most %d".formatted(end - start, maxRecordBytes));
    }
    int invalid = StrictUtf8.firstInvalid(value, start, end);
    if (invalid >= 0) {
      throw new RejectedRecordException(
          RejectReason.BAD_UTF8,
          "byte %d, 0x%02x, is not UTF-8".formatted(invalid, value[invalid]));
    }
    if (value[start] != '{') {
      throw malformed("its first byte is not a brace");
    }
    // Jackson would take this for UTF-16 or UTF-32, in which it knows no byte offsets.
    if (end - start > 1 && value[start + 1] == 0) {
      throw malformed("a zero byte follows the brace");
    }
  }

  /** Reads a record that the scanner left undecided. */
  RecordFields read(byte[] value, int start, int end) throws RejectedRecordException {
    try (JsonParser json = factory.createParser(value, start, end - start)) {
      try {
        json.nextToken();
        RecordFields fields = TokenReader.read(json);
        if (json.currentLocation().getByteOffset() != end - start) {
          throw malformed("something follows the object; expected one object a record");
        }
        TokenReader.requireAll(fields);
        return fields;
      } catch (StreamConstraintsException e) {
        if (json.getParsingContext().getNestingDepth() > MAX_DEPTH) {
          throw new RejectedRecordException(
              RejectReason.TOO_DEEP,
              "more than " + MAX_DEPTH + " objects and arrays are open at once");
        }
        throw malformed(describe(e));
      } catch (JsonProcessingException e) {
        throw malformed(describe(e));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("reading from memory cannot fail", e);
    }
  }

  private static String describe(JsonProcessingException e) {
    String sentence = Excerpt.printable(e.getOriginalMessage().lines().findFirst().orElse(""));
    if (sentence.length() > MAX_ERROR_LENGTH) {
      sentence = sentence.substring(0, MAX_ERROR_LENGTH) + "...";
    }
    return e.getLocation() == null
        ? sentence
        : "at byte " + e.getLocation().getByteOffset() + ": " + sentence;
  }

  private static RejectedRecordException malformed(String details) {
    return new RejectedRecordException(
        RejectReason.MALFORMED_JSON, "the record is not a JSON object: " + details);
  }

  private static boolean isWhiteSpace(byte b) {
    return b == ' ' || b == '\n' || b == '\r' || b == '\t';
  }
}

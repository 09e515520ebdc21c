package io.spanfold.core.segment;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.format.RandomRecords;
import io.spanfold.core.format.RandomRecords.Sample;
import io.spanfold.core.format.RejectedRecordException;
import io.spanfold.core.format.SpanParser;
import io.spanfold.core.model.Span;
import io.spanfold.core.payload.BufferedSpan;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SpanStamperTest {

  private static final ObjectMapper EXACT =
      new ObjectMapper().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

  // For damaged records, whose numbers may be valid JSON but too large for BigDecimal.
  private static final ObjectMapper LENIENT =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final SpanParser parser = new SpanParser(1_000_000);

  @Test
  void onlyTheTwoFieldsOfGeneratedRecordsChange() throws Exception {
    long seed = System.nanoTime();
    RandomRecords records = new RandomRecords(seed);
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      Sample sample = records.next();
      long segmentId = random.nextBoolean() ? sample.spanId() : random.nextLong();
      byte[] stamped = stamp(sample.value(), segmentId);
      assertThat(new String(stamped, UTF_8))
          .as("seed %d, record %d: %s", seed, i, sample.text())
          .isEqualTo(new String(sample.stamped(segmentId), UTF_8));
      assertThat(EXACT.readTree(stamped))
          .as("seed %d, record %d: %s", seed, i, sample.text())
          .isEqualTo(expectedTree(EXACT, sample.value(), sample.spanId() == segmentId, segmentId));
    }
  }

  @Test
  void theTwoFieldsOfHandMadeRecordsChange() throws Exception {
    String[] lines;
    try (InputStream in = getClass().getResourceAsStream("/records/hand-made.jsonl")) {
      lines = new String(in.readAllBytes(), UTF_8).split("\n");
    }
    assertThat(lines).hasSize(20);
    for (String line : lines) {
      byte[] value = line.getBytes(UTF_8);
      long spanId = parser.parse(value, 0, 0, 0).spanId();
      for (long segmentId : new long[] {spanId, 0xABCL}) {
        assertThat(EXACT.readTree(stamp(value, segmentId)))
            .as(line)
            .isEqualTo(expectedTree(EXACT, value, spanId == segmentId, segmentId));
      }
    }
  }

  @Test
  void bothFieldsAreAddedAfterTheBraceOfARecordThatHasNeither() throws Exception {
    String rest =
        "\"project_id\":1,\"organization_id\":2,\"end_timestamp\":3,"
            + "\"trace_id\":\"0123456789abcdeffedcba9876543210\",\"span_id\":\"00000000000000aa\"}";
    assertThat(new String(stamp(("{" + rest).getBytes(UTF_8), 0xAA), UTF_8))
        .isEqualTo(
            "{\"is_segment\":true,\"attributes\":{\"sentry.segment.id\":"
                + "{\"type\":\"string\",\"value\":\"00000000000000aa\"}},"
                + rest);
  }

  @Test
  void stampingTwiceChangesNothingMore() throws Exception {
    long seed = System.nanoTime();
    RandomRecords records = new RandomRecords(seed);
    for (int i = 0; i < 2_000; i++) {
      byte[] once = stamp(records.next().value(), 0xAA);
      assertThat(stamp(once, 0xAA)).as("seed %d, record %d", seed, i).isEqualTo(once);
    }
  }

  @Test
  void damagedRecordsAreRejectedOrCanBeStamped() {
    long seed = System.nanoTime();
    RandomRecords records = new RandomRecords(seed);
    Random random = new Random(seed);
    int accepted = 0;
    for (int i = 0; i < 30_000; i++) {
      byte[] value = damage(records.next().value(), random);
      try {
        Span span = parser.parse(value, 0, 0, 0);
        accepted++;
        byte[] stamped = stamp(span, 0xAA);
        assertThat(LENIENT.readTree(stamped))
            .isEqualTo(expectedTree(LENIENT, value, span.spanId() == 0xAA, 0xAA));
        assertThat(parser.parse(stamped, 0, 0, 0))
            .returns(span.trace(), Span::trace)
            .returns(span.spanId(), Span::spanId);
      } catch (RejectedRecordException e) {
        assertThat(e.getMessage()).hasSizeLessThan(400);
      } catch (IOException | RuntimeException | AssertionError e) {
        fail("seed %d, record %d: %s".formatted(seed, i, new String(value, UTF_8)), e);
      }
    }
    // Many hit a string or white space: there must be enough of both kinds to be meaningful.
    assertThat(accepted).as("seed %d", seed).isBetween(2_000, 28_000);
  }

  @Test
  void recordsThatNoParserAcceptsAreRejected() {
    long seed = System.nanoTime();
    RandomRecords records = new RandomRecords(seed);
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      byte[] value = damage(records.next().value(), random);
      try {
        LENIENT.readTree(value);
      } catch (IOException notJson) {
        assertThat(isRejected(value)).as("seed %d: %s", seed, new String(value, UTF_8)).isTrue();
      }
    }
  }

  private boolean isRejected(byte[] value) {
    try {
      parser.parse(value, 0, 0, 0);
      return false;
    } catch (RejectedRecordException e) {
      return true;
    }
  }

  private static byte[] damage(byte[] value, Random random) {
    int at = random.nextInt(value.length);
    byte any =
        (byte)
            (random.nextBoolean()
                ? random.nextInt(256)
                : "{}[]\",:\\0u".charAt(random.nextInt(10)));
    return switch (random.nextInt(4)) {
      case 0 -> {
        byte[] changed = value.clone();
        changed[at] = any;
        yield changed;
      }
      case 1 -> {
        byte[] longer = new byte[value.length + 1];
        System.arraycopy(value, 0, longer, 0, at);
        longer[at] = any;
        System.arraycopy(value, at, longer, at + 1, value.length - at);
        yield longer;
      }
      case 2 -> {
        byte[] shorter = Arrays.copyOf(value, value.length - 1);
        System.arraycopy(value, at + 1, shorter, at, shorter.length - at);
        yield shorter;
      }
      default -> random.nextInt(5) == 0 ? Arrays.copyOf(value, at) : value;
    };
  }

  private byte[] stamp(byte[] value, long segmentId) throws RejectedRecordException {
    return stamp(parser.parse(value, 0, 0, 0), segmentId);
  }

  /** Stamps a record in the middle of an array into the middle of another. */
  private static byte[] stamp(Span span, long segmentId) {
    byte[] buffer = new byte[span.record().length + 20];
    Arrays.fill(buffer, (byte) '#');
    System.arraycopy(span.record(), 0, buffer, 7, span.record().length);
    BufferedSpan buffered =
        new BufferedSpan(span.spanId(), span.stampPoints(), buffer, 7, span.record().length);
    SpanStamper stamper = new SpanStamper(segmentId);
    byte[] out = new byte[stamper.stampedLength(buffered) + 3];
    assertThat(stamper.stamp(buffered, out, 3)).isEqualTo(out.length);
    return Arrays.copyOfRange(out, 3, out.length);
  }

  private static JsonNode expectedTree(
      ObjectMapper mapper, byte[] value, boolean isSegment, long segmentId) throws IOException {
    ObjectNode tree = (ObjectNode) mapper.readTree(value);
    tree.put("is_segment", isSegment);
    if (!tree.path("attributes").isObject()) {
      tree.putObject("attributes");
    }
    ObjectNode attributes = (ObjectNode) tree.get("attributes");
    if (attributes.path("sentry.segment.id").path("value").asText("").matches("|0{16}|null")) {
      attributes
          .putObject("sentry.segment.id")
          .put("type", "string")
          .put("value", Hex.id(segmentId));
    }
    return tree;
  }
}

package io.spanfold.core.format;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every record that the scanner accepts, the token reader accepts as the same span. */
class RecordScannerTest {

  private static final String GOOD =
      "{\"project_id\":1,\"organization_id\":2,\"end_timestamp\":3.5,"
          + "\"trace_id\":\"0123456789abcdeffedcba9876543210\",\"span_id\":\"00000000000000aa\"}";

  private static final byte[] PIECES =
      "{}[]\",:\\/u0129eE+-.tfn \n\r\t\u0001\u007f".getBytes(UTF_8);

  private final SpanParser tokens = new SpanParser(Integer.MAX_VALUE);
  private final RecordScanner scanner = new RecordScanner();

  @Test
  void acceptsRecordsOfTheUsualForm() {
    assertThat(scan(GOOD)).isNotNull();
  }

  @Test
  void agreesOnGeneratedRecords() {
    long seed = System.nanoTime();
    RandomRecords records = new RandomRecords(seed);
    int sure = 0;
    for (int i = 0; i < 50_000; i++) {
      if (agrees(records.next().record(), seed)) {
        sure++;
      }
    }
    // The others have escapes in names or ids, or numbers that may be too large.
    assertThat(sure).as("seed %d", seed).isGreaterThan(2_000);
  }

  /** Changed at a few places each: most are no JSON any more, some are, and some even are spans. */
  @Test
  void agreesOnDamagedRecords() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    RandomRecords records = new RandomRecords(seed);
    int sure = 0;
    for (int i = 0; i < 300_000; i++) {
      byte[] record = random.nextInt(4) == 0 ? GOOD.getBytes(UTF_8) : records.next().record();
      for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
        record = change(record, random);
      }
      if (record.length > 0
          && StrictUtf8.firstInvalid(record, 0, record.length) < 0
          && agrees(record, seed)) {
        sure++;
      }
    }
    assertThat(sure).as("seed %d: records that the scanner accepts", seed).isGreaterThan(1_000);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "{}",
        "[]",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{\"a\":}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":-}",
        "{\"a\":1e}",
        "{\"a\":+1}",
        "{\"a\":tru}",
        "{\"a\":nul}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\t\"}",
        "{\"a\":[1,]}",
        "{\"a\":{\"b\"}}",
        "{\"a\":1 2}",
        "{\"a\":NaN}"
      })
  void doesNotAcceptInvalidJson(String record) {
    assertThat(scan(withUsedFields(record))).isNull();
  }

  @Test
  void acceptsDepthsUpToTheMaximum() {
    for (int depth = SpanParser.MAX_DEPTH - 3; depth < SpanParser.MAX_DEPTH + 3; depth++) {
      String record = withUsedFields("{\"a\":" + "[".repeat(depth) + "]".repeat(depth) + "}");
      assertThat(agrees(record.getBytes(UTF_8), 0))
          .as("%d arrays in the record", depth)
          .isEqualTo(depth < SpanParser.MAX_DEPTH);
    }
  }

  @Test
  void keepsNothingOfThePreviousRecord() {
    assertThat(scan(GOOD.substring(0, GOOD.length() - 1))).isNull();
    assertThat(scan("{\"end_timestamp\":1}")).isNull();
    assertThat(scan(GOOD)).isNotNull();
  }

  @Test
  void readsARecordAmongOtherBytes() {
    byte[] value = ("  " + GOOD + " \"").getBytes(UTF_8);
    RecordFields fields = scanner.scan(value, 2, 2 + GOOD.length());
    assertThat(fields.spanId).isEqualTo(0xAA);
    assertThat(fields.stampPoints()).isEqualTo(scan(GOOD).stampPoints());
  }

  /** Appends the required fields of a span to those of the record. */
  private static String withUsedFields(String record) {
    return record.endsWith("}") && record.length() > 2
        ? record.substring(0, record.length() - 1) + "," + GOOD.substring(1)
        : record;
  }

  private RecordFields scan(String record) {
    byte[] bytes = record.getBytes(UTF_8);
    return scanner.scan(bytes, 0, bytes.length);
  }

  /** Returns whether the scanner accepts the record; fails if the token reader disagrees. */
  private boolean agrees(byte[] record, long seed) {
    RecordFields scanned = scanner.scan(record, 0, record.length);
    if (scanned == null) {
      return false;
    }
    String what = "seed %d: %s".formatted(seed, new String(record, UTF_8));
    RecordFields read;
    try {
      read = tokens.read(record, 0, record.length);
    } catch (RejectedRecordException e) {
      throw new AssertionError("taken by the scanner only: " + what, e);
    }
    assertThat(scanned).as(what).usingRecursiveComparison().isEqualTo(read);
    return true;
  }

  private static byte[] change(byte[] record, Random random) {
    if (record.length == 0) {
      return record;
    }
    int at = random.nextInt(record.length);
    byte[] piece = {PIECES[random.nextInt(PIECES.length)]};
    return switch (random.nextInt(5)) {
      case 0 -> splice(record, at, at + 1, piece);
      case 1 -> splice(record, at, at, piece);
      case 2 ->
          splice(record, at, Math.min(record.length, at + 1 + random.nextInt(4)), new byte[0]);
      case 3 -> {
        int from = random.nextInt(record.length);
        int to = Math.min(record.length, from + random.nextInt(40));
        yield splice(record, at, at, Arrays.copyOfRange(record, from, to));
      }
      default -> Arrays.copyOf(record, random.nextInt(8) == 0 ? at : record.length);
    };
  }

  private static byte[] splice(byte[] record, int from, int to, byte[] with) {
    byte[] spliced = new byte[record.length - (to - from) + with.length];
    System.arraycopy(record, 0, spliced, 0, from);
    System.arraycopy(with, 0, spliced, from, with.length);
    System.arraycopy(record, to, spliced, from + with.length, record.length - to);
    return spliced;
  }
}

package io.spanfold.core.format;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.StampPoints.SegmentIdEdit;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SpanParserTest {

  private static final String REQUIRED =
      "\"project_id\":1,\"organization_id\":2,\"end_timestamp\":3.5,"
          + "\"trace_id\":\"0123456789abcdeffedcba9876543210\",\"span_id\":\"00000000000000aa\"";

  private static final String SPAN_ID_PARENT = ",\"parent_span_id\":\"00000000000000bb\"";

  private final SpanParser parser = new SpanParser(10_000_000);

  @Test
  void readsARecordWithAllUsedFields() throws Exception {
    byte[] value =
        ("{" + REQUIRED + SPAN_ID_PARENT + ",\"is_segment\":false,\"attributes\":{\"a\":1}}")
            .getBytes(UTF_8);
    Span span = parser.parse(value, 1234, 5, 678);

    assertThat(span.trace()).hasToString("1:0123456789abcdeffedcba9876543210");
    assertThat(span.spanId()).isEqualTo(0xAA);
    assertThat(span.parentId()).isEqualTo(0xBB);
    assertThat(span.root()).isFalse();
    assertThat(span.timestamp()).isEqualTo(1234);
    assertThat(span.organizationId()).isEqualTo(2);
    assertThat(span.partition()).isEqualTo(5);
    assertThat(span.offset()).isEqualTo(678);
    assertThat(span.record()).isSameAs(value);
  }

  @Test
  void readsGeneratedRecordsAsTheyWereMade() throws Exception {
    long seed = System.nanoTime();
    RandomRecords records = new RandomRecords(seed);
    for (int i = 0; i < 20_000; i++) {
      RandomRecords.Sample sample = records.next();
      Span span = parser.parse(sample.value(), i, 0, i);
      assertThat(span)
          .as("seed %d, record %d: %s", seed, i, sample.text())
          .returns(sample.trace(), Span::trace)
          .returns(sample.spanId(), Span::spanId)
          .returns(sample.parentId(), Span::parentId)
          .returns(sample.root(), Span::root)
          .returns(sample.organizationId(), Span::organizationId);
      assertThat(span.record()).as("seed %d", seed).isEqualTo(sample.record());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0123456789abcdeffedcba9876543210",
        "0123456789ABCDEFfedcba9876543210",
        "01234567-89ab-cdef-fedc-ba9876543210",
        "01234567-89AB-CDEF-FEDC-BA9876543210",
        "01\\u00323456789abcdeffedcba9876543210"
      })
  void acceptsTraceIdsInBothFormsAndCases(String id) throws Exception {
    String record = with("\"0123456789abcdeffedcba9876543210\"", '"' + id + '"');
    assertThat(parse(record).trace().traceId()).isEqualTo("0123456789abcdeffedcba9876543210");
  }

  @Test
  void acceptsSpanIdsInUpperCase() throws Exception {
    assertThat(parse(with("00000000000000aa", "FFFFFFFFFFFFFFFA")).spanId()).isEqualTo(-6);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 42, Long.MAX_VALUE})
  void acceptsProjectAndOrganizationIdsFromZeroToTheLargestLong(long id) throws Exception {
    Span span =
        parse(
            with("\"project_id\":1", "\"project_id\":" + id)
                .replace("\"organization_id\":2", "\"organization_id\":" + id));
    assertThat(span.trace().projectId()).isEqualTo(id);
    assertThat(span.organizationId()).isEqualTo(id);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        // more fields ; root ; parent
        "`` ; true ; 00000000000000aa",
        "`,\"parent_span_id\":null` ; true ; 00000000000000aa",
        "`,\"parent_span_id\":\"00000000000000bb\"` ; false ; 00000000000000bb",
        "`,\"parent_span_id\":\"\"` ; true ; 00000000000000aa",
        "`,\"parent_span_id\":\"0000000000000000\"` ; true ; 00000000000000aa",
        "`,\"parent_span_id\":\"000000000000000\\u0030\"` ; true ; 00000000000000aa",
        "`,\"parent_span_id\":\"0000000000000000\",\"is_segment\":false` ; true ; 00000000000000aa",
        "`,\"parent_span_id\":\"00000000000000BB\",\"is_segment\":true` ; true ; 00000000000000aa",
        "`,\"parent_span_id\":\"00000000000000bb\",\"is_segment\":null` ; false ; 00000000000000bb",
        "`,\"parent_span_id\":\"00000000000000aa\"` ; false ; 00000000000000aa",
        "`,\"attributes\":{\"sentry.segment.id\":{\"value\":\"00000000000000cc\"}}` ; true ; 00000000000000aa",
        "`,\"parent_span_id\":\"00000000000000bb\",\"attributes\":{\"sentry.segment.id\":{\"value\":\"00000000000000cc\"}}` ; false ; 00000000000000cc",
        "`,\"parent_span_id\":\"00000000000000bb\",\"attributes\":{\"sentry.segment.id\":{\"value\":null}}` ; false ; 00000000000000bb",
        "`,\"parent_span_id\":\"00000000000000bb\",\"attributes\":{\"sentry.segment.id\":{\"value\":\"\"}}` ; false ; 00000000000000bb",
        "`,\"parent_span_id\":\"00000000000000bb\",\"attributes\":{\"sentry.segment.id\":{\"value\":\"0000000000000000\"}}` ; false ; 00000000000000bb",
        "`,\"parent_span_id\":\"00000000000000bb\",\"x\":{\"is_segment\":true}` ; false ; 00000000000000bb"
      })
  void theParentForFoldingIsItselfElseTheGivenSegmentElseTheParent(
      String more, boolean root, String parent) throws Exception {
    Span span = parse(record(more));
    assertThat(span.root()).isEqualTo(root);
    assertThat(Hex.id(span.parentId())).isEqualTo(parent);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        "`` ; ADD_ATTRIBUTES ; ``",
        "`,\"attributes\": null ` ; REPLACE_NULL_ATTRIBUTES ; null",
        "`,\"attributes\":{ }` ; ADD_ONLY_MEMBER ; ``",
        "`,\"attributes\": {\"a\":{}}` ; ADD_FIRST_MEMBER ; ``",
        "`,\"attributes\": {\"sentry.segment.id\" : null}` ; REPLACE_MEMBER ; null",
        "`,\"attributes\": {\"a\":1,\"sentry.segment.id\":{}}` ; REPLACE_MEMBER ; {}",
        "`,\"attributes\":{\"s\\u0065ntry.segment.id\":{\"value\":null,\"x\":[{\"y\":\"\\ud800\"}]} }` ; REPLACE_MEMBER ; {\"value\":null,\"x\":[{\"y\":\"\\ud800\"}]}",
        "`,\"attributes\": {\"sentry.segment.id\":{\"value\":\"\"}}` ; REPLACE_MEMBER ; {\"value\":\"\"}",
        "`,\"attributes\": {\"sentry.segment.id\":{\"value\":\"0000000000000000\"}}` ; REPLACE_MEMBER ; {\"value\":\"0000000000000000\"}",
        "`,\"attributes\": {\"sentry.segment.id\":{\"value\":\"00000000000000cc\"}}` ; KEEP ; ``"
      })
  void findsThePlaceOfTheSegmentId(String more, SegmentIdEdit edit, String range) throws Exception {
    // Two bytes a character before the field: offsets are bytes, not characters.
    Span span = parse("  {\"\u00e9\":\"\u00e9\ud83d\ude00\"," + REQUIRED + more + "}\n");
    assertThat(span.stampPoints().segmentIdEdit()).isEqualTo(edit);
    assertThat(
            new String(
                span.record(),
                span.stampPoints().segmentIdStart(),
                span.stampPoints().segmentIdEnd() - span.stampPoints().segmentIdStart(),
                UTF_8))
        .isEqualTo(range);
  }

  @ParameterizedTest
  @ValueSource(strings = {"true", "false", "null"})
  void findsThePlaceOfIsSegment(String literal) throws Exception {
    for (String name : new String[] {"is_segment", "\\u0069s_segment", "is\\u005Fsegment"}) {
      Span span =
          parse(
              "{\"\u00e9\\n\":\"\u6f22\" ,\n\""
                  + name
                  + "\" :\t"
                  + literal
                  + " ,"
                  + REQUIRED
                  + "}");
      int start = span.stampPoints().isSegmentStart();
      assertThat(new String(span.record(), start, literal.length(), UTF_8)).isEqualTo(literal);
      assertThat(span.stampPoints().isSegmentEnd()).isEqualTo(start + literal.length());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "project_id=-1",
        "project_id=-0",
        "project_id=9223372036854775808",
        "project_id=9999999999999999999",
        "project_id=18446744073709551617",
        "project_id=1.0",
        "project_id=1e3",
        "project_id=\"1\"",
        "project_id=null",
        "project_id=true",
        "project_id={}",
        "project_id=[1]",
        "organization_id=-1",
        "organization_id=\"2\"",
        "organization_id=null",
        "end_timestamp=\"3\"",
        "end_timestamp=null",
        "end_timestamp=true",
        "end_timestamp=[3]",
        "trace_id=\"\"",
        "trace_id=\"0123456789abcdef\"",
        "trace_id=\"g123456789abcdeffedcba9876543210\"",
        "trace_id=\"01234567-89abcdef-fedc-ba98-76543210\"",
        "trace_id=\"0123456789abcdeffedcba9876543210abcd\"",
        "trace_id=\"{1234567-89ab-cdef-fedc-ba9876543210\"",
        "trace_id=\"\uff10123456789abcdeffedcba987654321\"",
        "trace_id=\"00000000000000000000000000000000\"",
        "trace_id=\"00000000-0000-0000-0000-000000000000\"",
        "trace_id=1",
        "trace_id=null",
        "span_id=\"00000000000000a\"",
        "span_id=\"00000000000000aaa\"",
        "span_id=\"00000000000000a}\"",
        "span_id=\"00000000000000a\u0661\"",
        "span_id=\"\"",
        "span_id=\"0000000000000000\"",
        "span_id=\"00000000000000\\u00300\"",
        "span_id=null",
        "span_id=170",
        "parent_span_id=\" \"",
        "parent_span_id=\"0\"",
        "parent_span_id=\"00000000000000000000000000000000\"",
        "parent_span_id=\"bb\"",
        "parent_span_id=0",
        "parent_span_id={}",
        "is_segment=\"true\"",
        "is_segment=1",
        "is_segment={}",
        "is_segment=[true]",
        "attributes=[]",
        "attributes=\"a\"",
        "attributes=false"
      })
  void rejectsAFieldOfTheWrongTypeOrFormByItsName(String assignment) {
    String field = assignment.substring(0, assignment.indexOf('='));
    String value = assignment.substring(assignment.indexOf('=') + 1);
    RejectedRecordException e =
        rejected("{\"" + field + "\":" + value + "," + without(field) + "}");
    assertThat(e.reason()).isEqualTo(RejectReason.INVALID_FIELD);
    assertThat(e).hasMessageStartingWith(field + " is ").hasMessageContaining("; expected ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        "\"00000000000000cc\" ; `attributes[\"sentry.segment.id\"] is \"00000000000000cc\"; expected an object or null`",
        "[] ; `attributes[\"sentry.segment.id\"] is an array; expected an object or null`",
        "{\"value\":1} ; `attributes[\"sentry.segment.id\"].value is 1; expected 16 hexadecimal digits, empty or null`",
        "{\"value\":\"cc\"} ; `attributes[\"sentry.segment.id\"].value is \"cc\"; expected 16 hexadecimal digits, empty or null`",
        "{\"value\":{}} ; `attributes[\"sentry.segment.id\"].value is an object; expected 16 hexadecimal digits, empty or null`"
      })
  void rejectsASegmentIdOfTheWrongTypeOrForm(String value, String message) {
    RejectedRecordException e =
        rejected(record(",\"attributes\":{\"sentry.segment.id\":" + value + "}"));
    assertThat(e.reason()).isEqualTo(RejectReason.INVALID_FIELD);
    assertThat(e).hasMessage(message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"project_id", "organization_id", "trace_id", "span_id", "end_timestamp"})
  void rejectsARecordThatLacksARequiredField(String field) {
    RejectedRecordException e = rejected("{" + without(field) + "}");
    assertThat(e.reason()).isEqualTo(RejectReason.INVALID_FIELD);
    assertThat(e).hasMessageStartingWith(field + " is missing; expected ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "project_id=1,\"project_id\":1",
        "organization_id=2,\"organization_id\":3",
        "trace_id=\"0123456789abcdeffedcba9876543210\",\"trace_id\":\"0123456789abcdeffedcba9876543210\"",
        "span_id=\"00000000000000aa\",\"sp\\u0061n_id\":\"00000000000000aa\"",
        "end_timestamp=3,\"end_timestamp\":4",
        "parent_span_id=null,\"parent_span_id\":\"00000000000000aa\"",
        "is_segment=null,\"is_segment\":null",
        "attributes=null,\"attributes\":{}"
      })
  void rejectsAUsedFieldThatOccursTwice(String assignment) {
    String field = assignment.substring(0, assignment.indexOf('='));
    String value = assignment.substring(assignment.indexOf('=') + 1);
    RejectedRecordException e =
        rejected("{\"" + field + "\":" + value + "," + without(field) + "}");
    assertThat(e.reason()).isEqualTo(RejectReason.DUPLICATE_FIELD);
    assertThat(e).hasMessage(field + " occurs twice; expected it once");
  }

  @Test
  void rejectsASegmentIdThatOccursTwice() {
    assertThat(
            rejected(
                record(",\"attributes\":{\"sentry.segment.id\":null,\"sentry.segment.id\":null}")))
        .hasMessage("attributes[\"sentry.segment.id\"] occurs twice; expected it once");
    assertThat(
            rejected(
                record(",\"attributes\":{\"sentry.segment.id\":{\"value\":null,\"value\":null}}")))
        .hasMessage("attributes[\"sentry.segment.id\"].value occurs twice; expected it once")
        .returns(RejectReason.DUPLICATE_FIELD, RejectedRecordException::reason);
  }

  @Test
  void ignoresUnusedFieldsThatOccurTwice() throws Exception {
    parse(
        record(",\"name\":1,\"name\":2,\"attributes\":{\"a\":1,\"a\":{\"value\":1,\"value\":2}}"));
  }

  @Test
  void rejectsARecordWithoutAValue() {
    for (byte[] value : new byte[][] {null, {}, " \n\r\t ".getBytes(UTF_8)}) {
      assertThat(rejected(value).reason()).isEqualTo(RejectReason.EMPTY);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "{}x",
        "null",
        "42",
        "\"text\"",
        "not json",
        "[{}]",
        "\ufeff{}",
        "{\u0000}",
        "{\"a\":1,}",
        "{,\"a\":1}",
        "{\"a\" 1}",
        "{'a':1}",
        "{a:1}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":-Infinity}",
        "{\"a\":+1}",
        "{\"a\":01}",
        "{\"a\":.5}",
        "{\"a\":1.}",
        "{\"a\":tru}",
        "{\"a\":truex}",
        "{\"a\":[1,]}",
        "{\"a\":[1}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":1 /* no */}",
        "{\"a\":1}}",
        "{\"a\":\"\\\"}"
      })
  void rejectsRecordsThatAreNotOneJsonObject(String text) {
    assertThat(rejected(text).reason()).isEqualTo(RejectReason.MALFORMED_JSON);
  }

  @Test
  void rejectsContentAfterTheObject() {
    for (String more : new String[] {"{}", "x", "]", "\u0000", ",", " \n 1", "}"}) {
      assertThat(rejected(record("") + more))
          .hasMessageContaining("something follows the object")
          .returns(RejectReason.MALFORMED_JSON, RejectedRecordException::reason);
    }
  }

  @Test
  void rejectsARecordCutOffAnywhere() throws Exception {
    byte[] value = record(",\"x\":[\"\u00e9\",{\"y\":-1.5e3}],\"z\":null").getBytes(UTF_8);
    for (int length = 1; length < value.length; length++) {
      assertThat(rejected(Arrays.copyOf(value, length)).reason())
          .as("first %d bytes", length)
          .isIn(RejectReason.MALFORMED_JSON, RejectReason.BAD_UTF8);
    }
    parser.parse(value, 0, 0, 0);
  }

  @Test
  void rejectsOtherEncodings() {
    assertThat(rejected(record("").getBytes(UTF_16LE)))
        .hasMessage("the record is not a JSON object: a zero byte follows the brace")
        .returns(RejectReason.MALFORMED_JSON, RejectedRecordException::reason);
    assertThat(rejected(record(",\"x\":\"\u00e9\"").getBytes(ISO_8859_1)).reason())
        .isEqualTo(RejectReason.BAD_UTF8);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\u00c0\u0080",
        "\u00e0\u0080\u00af",
        "\u00ed\u00a0\u0080",
        "\u00f4\u0090\u0080\u0080",
        "\u00ff"
      })
  void rejectsBadUtf8Anywhere(String latin) {
    for (String more :
        new String[] {
          ",\"x\":\"" + latin + "\"", ",\"" + latin + "\":[]", ",\"x\":{\"" + latin + "\":1}"
        }) {
      RejectedRecordException e = rejected(record(more).getBytes(ISO_8859_1));
      assertThat(e.reason()).isEqualTo(RejectReason.BAD_UTF8);
      assertThat(e).hasMessageContaining("is not UTF-8");
    }
  }

  @Test
  void acceptsEscapedLoneSurrogatesInStringsButNotInNames() throws Exception {
    parse(record(",\"x\":\"\\ud800\",\"y\":[\"\\udc00\"]"));
    assertThat(rejected(record(",\"\\udc00\":1")).reason()).isEqualTo(RejectReason.MALFORMED_JSON);
  }

  @Test
  void acceptsDepthsUpToTheBound() throws Exception {
    int more = SpanParser.MAX_DEPTH - 1;
    parse(record(",\"x\":" + "[".repeat(more) + "]".repeat(more)));
    parse(record(",\"attributes\":{\"x\":" + "[".repeat(more - 1) + "]".repeat(more - 1) + "}"));
    for (String deep :
        new String[] {
          ",\"x\":" + "[".repeat(more + 1) + "]".repeat(more + 1),
          ",\"x\":" + "{\"x\":".repeat(more + 1) + "1" + "}".repeat(more + 1),
          ",\"x\":" + "[".repeat(1_000_000)
        }) {
      assertThat(rejected(record(deep)))
          .hasMessage("more than 100 objects and arrays are open at once")
          .returns(RejectReason.TOO_DEEP, RejectedRecordException::reason);
    }
  }

  @Test
  void acceptsSizesUpToTheBoundWithoutSurroundingSpace() throws Exception {
    byte[] value = ("  " + record("") + "\n").getBytes(UTF_8);
    assertThat(new SpanParser(value.length - 3).parse(value, 0, 0, 0).record())
        .hasSize(value.length - 3);
    RejectedRecordException e =
        catchThrowableOfType(
            RejectedRecordException.class,
            () -> new SpanParser(value.length - 4).parse(value, 0, 0, 0));
    assertThat(e.reason()).isEqualTo(RejectReason.TOO_LARGE);
    assertThat(e)
        .hasMessage(
            "the record has %d bytes; expected at most %d"
                .formatted(value.length - 3, value.length - 4));
  }

  @Test
  void acceptsLargeRecordsOfAnyKind() throws Exception {
    int size = 9_500_000;
    parse(record(",\"x\":\"" + "y".repeat(size) + "\""));
    parse(record(",\"" + "y".repeat(size) + "\":1"));
    parse(record(",\"x\":" + "9".repeat(size)));
    parse(record(",\"x\":1." + "9".repeat(size)));
    parse(record(",\"x\":[" + "1,".repeat(size / 2) + "1]"));
    StringBuilder sequential = new StringBuilder(",\"attributes\":{\"a\":1");
    StringBuilder scattered = new StringBuilder();
    Random random = new Random(7);
    for (int i = 0; i < 500_000; i++) {
      sequential.append(",\"key").append(i).append("\":1");
      scattered.append(",\"").append(Integer.toHexString(random.nextInt())).append("\":1");
    }
    parse(record(sequential + "}"));
    parse(record(scattered.toString()));
  }

  @Test
  void quotesOnlyTheBeginningOfAValueAndNoControlCharacters() {
    String huge = "\\u0007" + "x".repeat(1_000_000);
    assertThat(rejected("{\"span_id\":\"" + huge + "\"}"))
        .hasMessage(
            "span_id is \"?%s...\"; expected 16 hexadecimal digits, not all zero"
                .formatted("x".repeat(39)));
    assertThat(rejected("{\"project_id\":1" + "0".repeat(1_000_000) + "}").getMessage())
        .hasSizeLessThan(200);
    assertThat(rejected("{\"x\":nul" + "y".repeat(1_000_000) + "}").getMessage())
        .hasSizeLessThan(300);
    assertThat(rejected("{\"x\":\"\n\"}").getMessage()).doesNotContain("\n");
  }

  @Test
  void rejectsWithoutAStackTrace() {
    assertThat(rejected("{}").getStackTrace()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(RejectReason.class)
  void namesReasonsInLowerCaseWithDashes(RejectReason reason) {
    assertThat(reason.label()).matches("[a-z0-9]+(-[a-z0-9]+)*");
  }

  @Test
  void readsRecordsAfterARejection() throws Exception {
    rejected("{\"x\":[[[");
    assertThat(parse(record("")).spanId()).isEqualTo(0xAA);
  }

  private Span parse(String text) throws RejectedRecordException {
    return parser.parse(text.getBytes(UTF_8), 0, 0, 0);
  }

  private RejectedRecordException rejected(String text) {
    return rejected(text.getBytes(UTF_8));
  }

  private RejectedRecordException rejected(byte[] value) {
    RejectedRecordException e =
        catchThrowableOfType(RejectedRecordException.class, () -> parser.parse(value, 0, 0, 0));
    assertThat(e).isNotNull();
    return e;
  }

  private static String record(String more) {
    return "{" + REQUIRED + more + "}";
  }

  private static String with(String from, String to) {
    return record("").replace(from, to);
  }

  private static String without(String field) {
    return (REQUIRED + ",").replaceAll("\"" + field + "\":[^,]*,", "") + "\"last\":0";
  }
}

package io.spanfold.core.segment;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.format.RandomRecords;
import io.spanfold.core.format.RandomRecords.Sample;
import io.spanfold.core.format.RejectedRecordException;
import io.spanfold.core.format.SpanParser;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.Span;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class SegmentChunkerTest {

  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final int LARGE = 10_000_000;
  private static final int SMALLEST_CHUNK = 3_000;

  private final SpanParser parser = new SpanParser(LARGE);

  @Test
  void everySpanIsInOneMessageAndMessagesAreWellFilled() throws Exception {
    for (int round = 0; round < 150; round++) {
      long seed = System.nanoTime();
      Random random = new Random(seed);
      Map<Long, Sample> samples = samples(seed, random.nextInt(200));
      List<Span> spans = parse(samples);
      long segmentId =
          spans.isEmpty() || random.nextBoolean() ? random.nextLong() : spans.get(0).spanId();
      boolean skip = random.nextBoolean();
      int chunkBytes = SMALLEST_CHUNK + random.nextInt(random.nextBoolean() ? 5_000 : 300_000);

      List<SegmentMessage> messages =
          messages(chunkBytes, LoadedParts.scattered(spans, others(seed), segmentId, skip, random));

      check(messages, samples, segmentId, skip, chunkBytes, "seed " + seed);
    }
  }

  private static List<SegmentMessage> messages(int chunkBytes, LoadedPart part) {
    return new PartBuilder(chunkBytes, Clock.systemUTC()).build(part).messages();
  }

  private static void check(
      List<SegmentMessage> messages,
      Map<Long, Sample> samples,
      long segmentId,
      boolean skip,
      int chunkBytes,
      String seed)
      throws Exception {
    Set<Long> seen = new HashSet<>();
    Set<String> flushIds = new HashSet<>();
    int smallestPair = Integer.MAX_VALUE;
    for (int number = 0; number < messages.size(); number++) {
      SegmentMessage message = messages.get(number);
      assertThat(message.chunkNumber()).as(seed).isEqualTo(number);
      assertThat(message.chunkCount()).as(seed).isEqualTo(messages.size());
      assertThat(message.flushId()).as(seed).matches("[0-9a-f]{32}");
      assertThat(flushIds.add(message.flushId())).as(seed).isTrue();
      assertThat(message.value().length).as(seed).isLessThanOrEqualTo(chunkBytes);

      JsonNode tree = MAPPER.readTree(message.value());
      assertThat(tree.path("spans").isArray()).as(seed).isTrue();
      assertThat(tree.path("spans")).as(seed).isNotEmpty();
      List<String> stamped = new ArrayList<>();
      Long previous = null;
      for (JsonNode span : tree.path("spans")) {
        long id = Hex.parseId(span.path("span_id").asText());
        assertThat(seen.add(id)).as(seed).isTrue();
        assertThat(previous == null || Long.compareUnsigned(previous, id) < 0).as(seed).isTrue();
        previous = id;
        stamped.add(new String(samples.get(id).stamped(segmentId), UTF_8));
      }
      assertThat(new String(message.value(), UTF_8))
          .as(seed)
          .isEqualTo(
              "{\"flush_id\":\""
                  + message.flushId()
                  + "\","
                  + (skip || messages.size() > 1 ? "\"skip_enrichment\":true," : "")
                  + "\"spans\":["
                  + String.join(",", stamped)
                  + "]}");
      for (int other = 0; other < number; other++) {
        smallestPair =
            Math.min(smallestPair, message.value().length + messages.get(other).value().length);
      }
    }
    assertThat(seen).as(seed).isEqualTo(samples.keySet());
    if (messages.size() == 2 && !skip) {
      // As one message, without the flag, they would not have fitted either.
      String flag = "\"skip_enrichment\":true,";
      assertThat(smallestPair - envelope(true) - flag.length() + 1)
          .as(seed)
          .isGreaterThan(chunkBytes);
    } else if (messages.size() > 1) {
      assertThat(smallestPair - envelope(true) + 1).as(seed).isGreaterThan(chunkBytes);
    }
  }

  private static int envelope(boolean skip) {
    return ("{\"flush_id\":\"0123456789abcdef0123456789abcdef\","
            + (skip ? "\"skip_enrichment\":true," : "")
            + "\"spans\":[]}")
        .length();
  }

  @Test
  void messagesDoNotDependOnBatchesAndOrder() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<Span> spans = parse(samples(seed, 150));
    int chunkBytes = 9_000;
    List<SegmentMessage> expected = messages(chunkBytes, LoadedParts.inOneSlice(spans, 7, false));
    assertThat(expected).as("seed %d", seed).hasSizeGreaterThan(2);
    for (int round = 0; round < 50; round++) {
      LoadedPart part = LoadedParts.scattered(spans, others(seed), 7, false, random);
      assertThat(texts(messages(chunkBytes, part))).as("seed %d", seed).isEqualTo(texts(expected));
    }
  }

  @Test
  void otherContentHasAnotherFlushId() throws Exception {
    Span span = parse(recordOf(1, 300));
    byte[] changed = span.record().clone();
    changed[changed.length - 5] = 'z';
    Set<String> flushIds = new HashSet<>();
    int chunkBytes = 1_000;
    for (List<Span> spans :
        List.of(
            List.of(span),
            List.of(parser.parse(changed, 0, 0, 0)),
            List.of(parse(recordOf(2, 300))),
            List.of(span, parse(recordOf(2, 300))),
            List.of(span, parse(recordOf(2, 301))))) {
      for (long segmentId = 1; segmentId <= 3; segmentId++) {
        List<SegmentMessage> messages =
            messages(chunkBytes, LoadedParts.inOneSlice(spans, segmentId, false));
        assertThat(messages).hasSize(1);
        assertThat(flushIds.add(messages.get(0).flushId())).isTrue();
      }
    }
  }

  @Test
  void theFlushIdDependsOnTraceSegmentNumberAndSpans() throws Exception {
    // Literal: messages of an older version must be found by their ids.
    Span span = parse(recordOf(1, 300));
    assertThat(messages(1_000, LoadedParts.inOneSlice(List.of(span), 1, true)).get(0).flushId())
        .isEqualTo("25899d0b7929ce792995d1f6f85af947");
  }

  @Test
  void messagesOfTheSameContentDifferByTheirNumber() throws Exception {
    // Two spans of one id and content do not come from the fold; if they did, both would be shown.
    Span span = parse(recordOf(1, 600));
    List<SegmentMessage> messages =
        messages(1_000, LoadedParts.inOneSlice(List.of(span, span), 1, false));
    assertThat(messages).hasSize(2);
    assertThat(messages.get(0).flushId()).isNotEqualTo(messages.get(1).flushId());
  }

  @Test
  void theLargestAcceptedRecordFitsAlone() throws Exception {
    int chunkBytes = 5_000;
    int max = SegmentChunker.maxRecordBytes(chunkBytes);
    SpanParser door = new SpanParser(max);
    Span largest = door.parse(recordOf(1, max), 0, 0, 0);
    List<SegmentMessage> messages =
        messages(chunkBytes, LoadedParts.inOneSlice(List.of(largest), 2, true));
    assertThat(messages).hasSize(1);
    // Exact: both fields are added to it, and it is not the segment's root.
    assertThat(messages.get(0).value()).hasSize(chunkBytes);

    Span small = parse(recordOf(2, 300));
    assertThat(messages(chunkBytes, LoadedParts.inOneSlice(List.of(largest, small), 2, false)))
        .hasSize(2);
    assertThatThrownBy(() -> door.parse(recordOf(1, max + 1), 0, 0, 0))
        .isInstanceOf(RejectedRecordException.class);
  }

  @Test
  void enrichmentIsSkippedOnlyIfASegmentDoesNotFitIntoOneMessage() throws Exception {
    Span one = parse(recordOf(1, 400));
    Span two = parse(recordOf(2, 400));
    LoadedPart part = LoadedParts.inOneSlice(List.of(one, two), 3, false);
    int exact = messages(LARGE, part).get(0).value().length;

    List<SegmentMessage> fitting = messages(exact, part);
    assertThat(fitting).hasSize(1);
    assertThat(text(fitting.get(0))).doesNotContain("skip_enrichment");

    List<SegmentMessage> cut = messages(exact - 1, part);
    assertThat(cut).hasSize(2);
    assertThat(cut)
        .allSatisfy(message -> assertThat(text(message)).contains(",\"skip_enrichment\":true,"));

    assertThat(messages(LARGE, LoadedParts.inOneSlice(List.of(one, two), 3, true)))
        .singleElement()
        .satisfies(message -> assertThat(text(message)).contains(",\"skip_enrichment\":true,"));
  }

  @Test
  void aPartWithoutFoundSpansHasNoMessage() throws Exception {
    Span span = parse(recordOf(1, 300));
    int chunkBytes = 1_000;
    LoadedSlice lost = new LoadedSlice(LoadedParts.slice(List.of(span), null).slice(), null);
    LoadedSlice none = LoadedParts.slice(List.of(span), new int[0]);
    assertThat(messages(chunkBytes, LoadedParts.part(List.of(), 1, false))).isEmpty();
    assertThat(messages(chunkBytes, LoadedParts.part(List.of(lost, none), 1, true))).isEmpty();
  }

  @Test
  void aPayloadWithoutTheExpectedSpansIsRefused() throws Exception {
    LoadedSlice slice = LoadedParts.slice(List.of(parse(recordOf(1, 300))), new int[] {0, 1});
    assertThatThrownBy(() -> messages(1_000, LoadedParts.part(List.of(slice), 1, false)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the payload of subsegment 0000000000000abc holds 1 of the 2 spans asked for");
  }

  @Test
  void aBoundThatFitsNoSpanIsRefused() {
    int least = 1 - SegmentChunker.maxRecordBytes(0);
    assertThatThrownBy(() -> new SegmentChunker(least - 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("flush.chunk-bytes more than " + (least - 1));
    assertThat(SegmentChunker.maxRecordBytes(least)).isEqualTo(1);
  }

  /** Returns a record of exactly {@code length} bytes that names neither of the two fields. */
  private static byte[] recordOf(long spanId, int length) {
    String record =
        "{\"project_id\":42,\"organization_id\":2,\"end_timestamp\":3,"
            + "\"trace_id\":\"00000000000000010000000000000002\",\"span_id\":\""
            + Hex.id(spanId)
            + "\",\"x\":\"\"}";
    int missing = length - record.length();
    return record.replace("\"x\":\"\"", "\"x\":\"" + "y".repeat(missing) + "\"").getBytes(UTF_8);
  }

  private Span parse(byte[] value) throws RejectedRecordException {
    return parser.parse(value, 0, 0, 0);
  }

  private List<Span> parse(Map<Long, Sample> samples) throws RejectedRecordException {
    List<Span> spans = new ArrayList<>();
    for (Sample sample : samples.values()) {
      spans.add(parse(sample.value()));
    }
    return spans;
  }

  private List<Span> others(long seed) throws RejectedRecordException {
    return parse(samples(~seed, 5));
  }

  private static Map<Long, Sample> samples(long seed, int count) {
    RandomRecords records = new RandomRecords(seed);
    Map<Long, Sample> samples = new TreeMap<>();
    while (samples.size() < count) {
      Sample sample = records.next();
      if (sample.record().length <= SegmentChunker.maxRecordBytes(SMALLEST_CHUNK)) {
        samples.put(sample.spanId(), sample);
      }
    }
    return samples;
  }

  private static List<String> texts(List<SegmentMessage> messages) {
    return messages.stream().map(message -> message.flushId() + text(message)).toList();
  }

  private static String text(SegmentMessage message) {
    return new String(message.value(), UTF_8);
  }
}

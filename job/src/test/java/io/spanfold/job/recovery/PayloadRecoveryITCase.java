package io.spanfold.job.recovery;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.core.format.RejectedRecordException;
import io.spanfold.core.format.SpanParser;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.LoadedPart;
import io.spanfold.core.model.LoadedPart.LoadedSlice;
import io.spanfold.core.model.SourcePosition;
import io.spanfold.core.model.SourcePositions;
import io.spanfold.core.model.SourceRecord;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.payload.SpanFrames;
import io.spanfold.embedded.KafkaBroker;
import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import io.spanfold.testing.SpanRecords;
import io.spanfold.testing.Spans;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** On a real topic, whose log has holes from transactions and deletion. */
class PayloadRecoveryITCase {

  private static final TraceKey TRACE = new TraceKey(42, 1, 2);
  private static final String TOPIC = "holes";
  private static final int PARTITIONS = 3;
  private static final int DELETED = 700;

  private static KafkaBroker kafka;

  /** The records that a read-committed consumer sees, by partition and offset. */
  private static final List<TreeMap<Long, byte[]>> THERE = new ArrayList<>();

  @BeforeAll
  static void start() throws Exception {
    kafka = KafkaBroker.start();
    kafka.createTopic(TOPIC, PARTITIONS);
    fill(new Random(3));
  }

  @AfterAll
  static void stop() {
    kafka.close();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void showsExactlyTheRecordsThatAreThere(long seed) throws Exception {
    Random random = new Random(seed);
    SortedSet<SourcePosition> wanted = new TreeSet<>();
    List<String> expected = new ArrayList<>();
    for (int partition = 0; partition < PARTITIONS; partition++) {
      TreeMap<Long, byte[]> there = THERE.get(partition);
      // Dense stretches and wide gaps; some before the log's start, some beyond its end.
      double[] share = {1, 0.3, 0.02, 0.001, 0};
      long end = there.lastKey() + 20;
      double[] shareOf = random.doubles(end / 300 + 1).map(d -> share[(int) (d * 5)]).toArray();
      long[] offsets =
          LongStream.range(0, end)
              .filter(offset -> random.nextDouble() < shareOf[(int) (offset / 300)])
              .toArray();
      for (long offset : offsets) {
        // More than one span of a record may be wanted; it is passed once.
        for (int index = random.nextInt(3); index >= 0; index--) {
          wanted.add(new SourcePosition(partition, offset, index));
        }
        if (there.containsKey(offset)) {
          expected.add(line(partition, offset, there.get(offset)));
        }
      }
    }
    List<String> shown = new ArrayList<>();

    try (OffsetReader reader = OffsetReader.open(settings(kafka.bootstrapServers()))) {
      reader.read(
          wanted, record -> shown.add(line(record.partition(), record.offset(), record.value())));
    }

    assertThat(shown).isEqualTo(expected);
  }

  @Test
  void jumpsOverWideGaps() throws Exception {
    TreeMap<Long, byte[]> there = THERE.get(0);
    SortedSet<SourcePosition> wanted = new TreeSet<>();
    wanted.add(new SourcePosition(0, there.firstKey(), 0));
    wanted.add(new SourcePosition(0, there.lastKey(), 0));
    List<Long> shown = new ArrayList<>();
    PayloadRecoverySettings settings = settings(kafka.bootstrapServers());
    KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            OffsetReader.properties(settings),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());

    double consumed;
    try (OffsetReader reader = new OffsetReader(consumer, settings)) {
      reader.read(wanted, record -> shown.add(record.offset()));
      consumed =
          consumer.metrics().values().stream()
              .filter(metric -> metric.metricName().name().equals("records-consumed-total"))
              .mapToDouble(metric -> (double) metric.metricValue())
              .max()
              .orElseThrow();
    }

    assertThat(shown).containsExactly(there.firstKey(), there.lastKey());
    assertThat(consumed).isLessThan(2 * OffsetReader.JUMP_RECORDS).isLessThan(there.size());
  }

  @Test
  void makesFramesOfTheSpansThatAreStillThereAndOfTheTrace() throws Exception {
    kafka.createTopic("spans", 1);
    TraceKey other = new TraceKey(42, 1, 3);
    List<Span> spans =
        List.of(
            Spans.root(TRACE, 1, 1000, 0),
            Spans.child(TRACE, 2, 1, 1000, 1),
            Spans.child(other, 3, 1, 1000, 2),
            Spans.child(TRACE, 4, 1, 1000, 3),
            Spans.child(TRACE, 5, 1, 1000, 4));
    SpanRecords.send(kafka.bootstrapServers(), "spans", 1, spans);
    send("spans", 0, "no span".getBytes(UTF_8));
    // All but span 2, which another part takes. Record 5 is no span, and record 6 does not exist.
    Subsegment subsegment = subsegment(LongStream.range(0, 7).toArray());
    LoadedSlice lost = lost(subsegment, new int[] {0, 2, 3, 4, 5, 6});
    LoadedSlice stored =
        new LoadedSlice(new Slice(subsegment(1), null, true), SpanFrames.encode(spans));

    List<LoadedPart> restored;
    try (PayloadRecovery payloads =
        new PayloadRecovery(
            new PayloadRecoverySettings(
                new KafkaSettings(kafka.bootstrapServers(), Map.of()),
                "spans",
                Duration.ofSeconds(20)))) {
      restored = payloads.restore(List.of(part(stored), part(stored, lost)));
    }

    assertThat(restored.get(0).slices()).containsExactly(stored);
    assertThat(restored.get(1).slices().get(0)).isSameAs(stored);
    LoadedSlice found = restored.get(1).slices().get(1);
    assertThat(found.slice()).isSameAs(lost.slice());
    assertThat(found.indexes()).containsExactly(0, 3, 4);
    assertThat(found.frames()).isEqualTo(frames(spans.get(0), spans.get(3), spans.get(4)));
    assertThat(found.lostSpans()).isEqualTo(3);
  }

  @Test
  void takesTheSpanWithTheRightIndexOfARecordWithSeveralSpans() throws Exception {
    kafka.createTopic("batches", 1);
    List<Span> spans =
        List.of(
            Spans.root(TRACE, 1, 1000, 0),
            Spans.child(new TraceKey(42, 1, 3), 2, 1, 1000, 1),
            Spans.child(TRACE, 3, 1, 1000, 2),
            Spans.child(TRACE, 4, 1, 1000, 3));
    for (int record = 0; record < 2; record++) {
      send("batches", 0, lines(spans));
    }
    // Of the second record all but its first span; it has no fifth.
    Subsegment subsegment =
        new Subsegment(
            1,
            1,
            false,
            4,
            10,
            10,
            1,
            1,
            SourcePositions.of(new int[4], new long[] {1, 1, 1, 1}, new int[] {1, 2, 3, 4}));

    List<LoadedPart> restored;
    try (PayloadRecovery payloads =
        new PayloadRecovery(
            new PayloadRecoverySettings(
                new KafkaSettings(kafka.bootstrapServers(), Map.of()),
                "batches",
                Duration.ofSeconds(20)),
            PayloadRecoveryITCase::readLines)) {
      restored = payloads.restore(List.of(part(lost(subsegment, null))));
    }

    LoadedSlice found = restored.get(0).slices().get(0);
    assertThat(found.indexes()).containsExactly(1, 2);
    assertThat(found.frames()).isEqualTo(frames(spans.get(2), spans.get(3)));
  }

  private static byte[] lines(List<Span> spans) {
    return spans.stream().map(SpanRecords::json).collect(joining("\n")).getBytes(UTF_8);
  }

  /** A record has one span per line. */
  private static void readLines(SourceRecord record, Consumer<Span> out)
      throws RejectedRecordException {
    int index = 0;
    for (String line : new String(record.value(), UTF_8).split("\n")) {
      Span span =
          new SpanParser(10_000)
              .parse(line.getBytes(UTF_8), 0, record.partition(), record.offset());
      out.accept(Spans.withIndex(span, index++));
    }
  }

  @Test
  void doesNotReadKafkaIfNothingIsLost() throws Exception {
    List<LoadedPart> parts =
        List.of(
            part(new LoadedSlice(new Slice(subsegment(1), null, true), new byte[0])),
            part(lost(subsegment(1), new int[0])));

    try (PayloadRecovery payloads = new PayloadRecovery(settings("nowhere.invalid:1"))) {
      assertThat(payloads.restore(parts)).isSameAs(parts);
    }
  }

  @Test
  void doesNotReadKafkaForSpansWithoutAPosition() throws Exception {
    Subsegment adopted =
        new Subsegment(
            1,
            1,
            false,
            1,
            1,
            1,
            1,
            1,
            SourcePositions.of(new int[] {SourcePosition.NOWHERE}, new long[] {5}, new int[] {0}));
    try (PayloadRecovery payloads = new PayloadRecovery(settings("nowhere.invalid:1"))) {
      List<LoadedPart> restored = payloads.restore(List.of(part(lost(adopted, null))));
      assertThat(restored.get(0).slices().get(0).lostSpans()).isEqualTo(1);
    }
  }

  @Test
  void failsAndLosesNothingIfKafkaIsUnreachable() {
    PayloadRecoverySettings settings =
        new PayloadRecoverySettings(
            new KafkaSettings("127.0.0.1:1", Map.of()), TOPIC, Duration.ofSeconds(1));

    try (PayloadRecovery payloads = new PayloadRecovery(settings)) {
      assertThatThrownBy(() -> payloads.restore(List.of(part(lost(subsegment(1), null)))))
          .isInstanceOf(PayloadRecoveryException.class)
          .hasMessageContaining("Records of holes could not be read again")
          .hasMessageContaining("retries after the restart");
    }
  }

  /** Transactions of random size, some of them aborted, then the first records deleted. */
  private static void fill(Random random) throws Exception {
    for (int partition = 0; partition < PARTITIONS; partition++) {
      THERE.add(new TreeMap<>());
    }
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of(
                "bootstrap.servers",
                kafka.bootstrapServers(),
                "transactional.id",
                "filler",
                "max.in.flight.requests.per.connection",
                1),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      producer.initTransactions();
      for (int i = 0; i < 40; i++) {
        producer.beginTransaction();
        boolean abort = random.nextInt(4) == 0;
        for (int n = random.nextInt(800); n > 0; n--) {
          byte[] value = new byte[random.nextInt(100)];
          random.nextBytes(value);
          int partition = random.nextInt(PARTITIONS);
          producer.send(
              new ProducerRecord<>(TOPIC, partition, null, value),
              (sent, failure) -> {
                if (!abort) {
                  THERE.get(partition).put(sent.offset(), value);
                }
              });
        }
        producer.flush();
        if (abort) {
          producer.abortTransaction();
        } else {
          producer.commitTransaction();
        }
      }
    }
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
      admin
          .deleteRecords(
              Map.of(new TopicPartition(TOPIC, 1), RecordsToDelete.beforeOffset(DELETED)))
          .all()
          .get();
    }
    THERE.get(1).headMap((long) DELETED).clear();
  }

  private static void send(String topic, int partition, byte[] value) {
    try (KafkaProducer<byte[], byte[]> producer = SpanRecords.producer(kafka.bootstrapServers())) {
      producer.send(new ProducerRecord<>(topic, partition, null, value));
    }
  }

  private static byte[] frames(Span... spans) throws Exception {
    List<Span> parsed = new ArrayList<>();
    for (Span span : spans) {
      parsed.add(new SpanParser(10_000).parse(SpanRecords.json(span).getBytes(UTF_8), 0, 0, 0));
    }
    return SpanFrames.encode(parsed);
  }

  private static PayloadRecoverySettings settings(String bootstrapServers) {
    // Like those of a job: the reader has to work with them.
    Map<String, String> properties =
        Map.of("group.id", "some", "enable.auto.commit", "true", "auto.offset.reset", "latest");
    return new PayloadRecoverySettings(
        new KafkaSettings(bootstrapServers, properties), TOPIC, Duration.ofSeconds(20));
  }

  private static Subsegment subsegment(long... offsets) {
    return new Subsegment(1, 1, false, offsets.length, 10, 10, 1, 1, Spans.positions(offsets));
  }

  private static LoadedSlice lost(Subsegment subsegment, int[] indexes) {
    return new LoadedSlice(new Slice(subsegment, indexes, true), null);
  }

  private static LoadedPart part(LoadedSlice... slices) {
    List<Slice> asked = Arrays.stream(slices).map(LoadedSlice::slice).toList();
    return new LoadedPart(
        new DuePart(TRACE, 1, 0, FlushReason.IDLE, 0, false, asked), List.of(slices));
  }

  private static String line(int partition, long offset, byte[] value) {
    return partition + ":" + offset + " " + Arrays.hashCode(value);
  }
}

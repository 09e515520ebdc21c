package io.spanfold.job.flush;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.spanfold.buffer.SegmentStore;
import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.core.batch.SubsegmentGrouping;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.Outcome.Reason;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.segment.PartBuilder;
import io.spanfold.embedded.RedisNode;
import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import io.spanfold.job.lease.TaskMetrics;
import io.spanfold.job.recovery.PayloadRecoverySettings;
import io.spanfold.testing.Spans;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Parts that are made again after the limit on messages was changed. */
@Timeout(60)
class StoreRebuildITCase {

  private static final TraceKey TRACE = new TraceKey(1, 2, 3);
  private static final int BEFORE = 10_000;

  @TempDir Path directory;
  private RedisNode redis;
  private StoreSettings settings;
  private SegmentStore store;
  private PartFlusher flusher;

  @BeforeEach
  void start() throws Exception {
    redis = RedisNode.start(RedisNode.Options.in(directory));
    settings = StoreSettings.of(List.of(redis.uri()));
    store = SegmentStore.connect(settings);
    FlushSettings flush =
        new FlushSettings(
            settings,
            LeaseSettings.of(settings.redis(), "main"),
            Duration.ofMinutes(5),
            new PayloadRecoverySettings(
                new KafkaSettings("localhost:1", Map.of()), "spans", Duration.ofSeconds(5)));
    flusher = PartFlusher.open(flush, TaskMetrics.of("job", "a", 0), Clock.systemUTC());
  }

  @AfterEach
  void stop() {
    flusher.close();
    store.close();
    redis.close();
  }

  @Test
  void aHigherLimitChangesNoMessage() throws Exception {
    FlushedPart first = flushed(span(7, 3_000), span(8, 3_000), span(9, 6_000));

    FlushedPart again = rebuilt(first.receipt(), 1_000_000);

    assertThat(first.messages()).hasSize(2);
    assertThat(again.receipt().flushIds()).isEqualTo(first.receipt().flushIds());
  }

  /** The topic would refuse the messages as they were, whenever the job tries. */
  @Test
  void aLowerLimitAppliesToPartsThatAreMadeAgain() throws Exception {
    FlushedPart first = flushed(span(7, 3_000), span(8, 3_000), span(9, 6_000));

    FlushedPart again = rebuilt(first.receipt(), 5_000);

    assertThat(again.messages())
        .hasSize(2)
        .allSatisfy(message -> assertThat(message.value().length).isLessThanOrEqualTo(5_000));
    assertThat(again.receipt().spanIds()).containsExactly(7, 8);
    assertThat(again.outcomes())
        .extracting(Outcome::reason, Outcome::quantity)
        .containsExactly(tuple(Reason.TOO_LARGE, 1L));
  }

  private FlushedPart flushed(Span... spans) throws InterruptedException {
    SubsegmentGrouping grouping =
        new SubsegmentGrouping(10_000, Long.MAX_VALUE, settings.phase().layouts());
    SpanBatch batch = new SpanBatch(List.of(grouping.group(TRACE, List.of(spans))));
    Subsegment stored = store.write(batch.in(new Generation(1, 1))).get(0).subsegments().get(0);
    DuePart due =
        new DuePart(
            TRACE, 7, 0, FlushReason.IDLE, 0, false, List.of(new Slice(stored, null, true)));
    List<FlushedPart> parts = new ArrayList<>();
    flusher.flush(
        List.of(due),
        new PartBuilder(BEFORE, Clock.systemUTC()),
        (request, part) -> parts.add(part));
    return parts.get(0);
  }

  private FlushedPart rebuilt(Receipt receipt, int chunkBytes) throws InterruptedException {
    List<FlushedPart> parts = new ArrayList<>();
    new StoreRebuild(flusher, chunkBytes, Clock.systemUTC()).rebuild(List.of(receipt), parts::add);
    assertThat(parts).hasSize(1);
    return parts.get(0);
  }

  /** Returns span 7, the root, or a child of it. */
  private static Span span(long id, int bytes) {
    Span span = id == 7 ? Spans.root(TRACE, id, 0, id) : Spans.child(TRACE, id, 7, 0, id);
    String record = "{\"span_id\":\"%s\",\"x\":\"%s\"}".formatted(Hex.id(id), "y".repeat(bytes));
    return new Span(
        TRACE,
        id,
        span.parentId(),
        span.root(),
        0,
        1,
        0,
        id,
        0,
        span.stampPoints(),
        record.getBytes(UTF_8));
  }
}

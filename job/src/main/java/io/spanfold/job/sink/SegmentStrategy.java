package io.spanfold.job.sink;

import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.Outcome;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.resource.TaskAttempt;
import io.spanfold.job.serialization.StateType;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Flushed parts: segments and, in the same transaction, the outcomes of their spans. A part is made
 * again from the buffer, and its payloads are deleted after the commit.
 */
public final class SegmentStrategy implements RecoveryStrategy<FlushedPart, Receipt> {

  private static final long serialVersionUID = 1L;

  /**
   * Deletes the payloads of parts after their records were committed. Opened, used and closed by
   * one thread, which it blocks. An interrupt ends it soon.
   */
  public interface CleanUp extends AutoCloseable {

    /**
     * Cleans up after committed parts. Doing it twice changes nothing more.
     *
     * @param receipts in the order in which the parts were written
     * @throws IOException if some of it could not be done; all of it is tried again after a while
     * @throws RuntimeException if it must not be done, because another job or attempt has taken
     *     over: fails the task
     */
    void cleanUp(List<Receipt> receipts) throws IOException, InterruptedException;

    @Override
    void close() throws IOException;
  }

  /** Makes parts again whose transaction was aborted. */
  public interface Rebuild extends AutoCloseable {

    /**
     * Makes parts again. If nothing of a part is lost, its messages have the same ids as before.
     *
     * @param receipts of the parts, in the order in which they were written
     * @param parts is given each part, in this order; not all of them are in memory at once
     * @throws IOException if it cannot be done now; an unchecked exception means the same
     */
    void rebuild(List<Receipt> receipts, Consumer<FlushedPart> parts)
        throws IOException, InterruptedException;

    @Override
    void close() throws IOException;
  }

  /** Opens one of these for a committer, on its task manager, when it is first needed. */
  @FunctionalInterface
  public interface Opener<T> extends Serializable {

    /**
     * @param metrics the committer's metric group
     * @throws IOException if the store cannot be reached now
     */
    T open(MetricGroup metrics) throws IOException;
  }

  private final SegmentRecords records;
  private final int chunkBytes;
  private final Opener<CleanUp> cleanUp;
  private final Opener<Rebuild> rebuild;
  private final PendingCleanUps.Limits limits;

  /**
   * @param chunkBytes the largest value of a record, in bytes
   */
  public SegmentStrategy(
      SpanfoldConfig config, int chunkBytes, Opener<CleanUp> cleanUp, Opener<Rebuild> rebuild) {
    this(
        new SegmentRecords(config.sink().topic(), config.sink().outcomesTopic()),
        chunkBytes,
        cleanUp,
        rebuild,
        PendingCleanUps.Limits.DEFAULT);
  }

  SegmentStrategy(
      SegmentRecords records,
      int chunkBytes,
      Opener<CleanUp> cleanUp,
      Opener<Rebuild> rebuild,
      PendingCleanUps.Limits limits) {
    this.records = records;
    this.chunkBytes = chunkBytes;
    this.cleanUp = cleanUp;
    this.rebuild = rebuild;
    this.limits = limits;
  }

  @Override
  public String name() {
    return "segments";
  }

  @Override
  public List<String> topics() {
    return records.topics();
  }

  @Override
  public int maxValueBytes() {
    return chunkBytes;
  }

  @Override
  public StateType<Receipt> itemType() {
    return StateType.RECEIPT;
  }

  @Override
  public Layout<FlushedPart, Receipt> layout(MetricGroup metrics) {
    return new PartLayout(records, metrics);
  }

  @Override
  public Recovery<Receipt> recovery(MetricGroup metrics) {
    return new PartRecovery(metrics);
  }

  /** Counts parts as they are written, whether they are committed or not. */
  private static final class PartLayout implements Layout<FlushedPart, Receipt> {
    private final SegmentRecords records;
    private final Counter segmentsOut;
    private final Counter partsOut;
    private final Counter messagesOut;
    private final Counter spansOut;
    private final Counter outcomeSpansOut;
    private final String task;

    PartLayout(SegmentRecords records, MetricGroup metrics) {
      this.records = records;
      this.task = TaskAttempt.id(metrics);
      this.segmentsOut = metrics.counter("segmentsOut");
      this.partsOut = metrics.counter("partsOut");
      this.messagesOut = metrics.counter("messagesOut");
      this.spansOut = metrics.counter("spansOut");
      this.outcomeSpansOut = metrics.counter("outcomeSpansOut");
    }

    @Override
    public List<ProducerRecord<byte[], byte[]>> records(FlushedPart part) {
      return records.of(part);
    }

    @Override
    public Receipt item(FlushedPart part, int listed) {
      outcomeSpansOut.inc(part.outcomes().stream().mapToLong(Outcome::quantity).sum());
      if (!part.messages().isEmpty()) { // Otherwise a discard, or a part whose spans are all lost.
        partsOut.inc();
        if (part.receipt().partNumber() == 0) {
          segmentsOut.inc();
        }
        messagesOut.inc(part.messages().size());
        spansOut.inc(part.receipt().spanIds().length);
      }
      return part.receipt();
    }

    @Override
    public List<EncodedItems<Receipt>> pending() {
      return PendingCleanUps.carry(task);
    }
  }

  private final class PartRecovery implements Recovery<Receipt> {
    private final MetricGroup metrics;
    private final PendingCleanUps cleanUps;
    private Rebuild opened;

    PartRecovery(MetricGroup metrics) {
      this.metrics = metrics;
      this.cleanUps = new PendingCleanUps(cleanUp, metrics, limits);
    }

    @Override
    public Set<String> ids(Receipt part) {
      return SegmentRecords.ids(part);
    }

    @Override
    public String id(ConsumerRecord<byte[], byte[]> record) {
      return records.id(record);
    }

    @Override
    public int records(List<Receipt> parts, Consumer<ProducerRecord<byte[], byte[]>> made)
        throws IOException, InterruptedException {
      if (opened == null) {
        opened = rebuild.open(metrics);
      }
      opened.rebuild(parts, part -> records.of(part).forEach(made));
      return parts.size();
    }

    @Override
    public void committed(EncodedItems<Receipt> parts) {
      cleanUps.add(parts);
    }

    @Override
    public void finish() throws InterruptedException {
      cleanUps.finish();
    }

    @Override
    public void close() throws IOException {
      try {
        cleanUps.close();
      } finally {
        if (opened != null) {
          opened.close();
        }
      }
    }
  }
}

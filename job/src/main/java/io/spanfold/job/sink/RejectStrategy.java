package io.spanfold.job.sink;

import io.spanfold.core.model.DeadLetter;
import io.spanfold.core.model.Reject;
import io.spanfold.core.model.SourcePosition;
import io.spanfold.core.model.TalliedOutcome;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.kafka.KafkaClientProperties;
import io.spanfold.job.recovery.OffsetReader;
import io.spanfold.job.recovery.PayloadRecoverySettings;
import io.spanfold.job.serialization.StateType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Rejects: dead letters, and the outcomes of dropped spans. A listed letter holds the position of
 * its source record but neither key, value nor headers: it is made again from the source topic. A
 * listed outcome is complete.
 */
public final class RejectStrategy implements RecoveryStrategy<Reject, Reject> {

  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(RejectStrategy.class);

  /**
   * The size of a record that both topics have to accept, in bytes. An outcome has some hundred,
   * and a dead letter some thousand without what it has of its source record.
   */
  public static final int LEAST_ACCEPTED_BYTES = RecordSizeLimit.ALWAYS_ACCEPTED;

  /**
   * The largest value of a dead letter, in bytes. A record that is too large for a segment must fit
   * into a dead letter. A larger one goes without its value.
   */
  private static final int DEAD_LETTER_BYTES = 64 * 1024 * 1024;

  /**
   * How many letters a transaction lists, and how many outcomes: some 20 MB of letters at most,
   * with {@link #MAX_ERROR}, and 5 MB of outcomes.
   */
  private static final int MAX_LISTED = 50_000;

  /** How many characters of a listed letter's error are kept. */
  private static final int MAX_ERROR = 200;

  private final DeadLetterRecords letters;
  private final OutcomeRecords outcomes;
  private final PayloadRecoverySettings source;
  private final int maxListed;

  /**
   * @param source the topic of the source records
   */
  public RejectStrategy(SpanfoldConfig config, PayloadRecoverySettings source) {
    this(
        config.sink().deadLetterTopic(),
        config.sink().outcomesTopic(),
        source,
        // Without transactions nothing is recovered, so nothing needs to be listed.
        config.sink().guarantee() == DeliveryGuarantee.EXACTLY_ONCE ? MAX_LISTED : 0);
  }

  RejectStrategy(
      String deadLetterTopic, String outcomesTopic, PayloadRecoverySettings source, int maxListed) {
    this.letters = new DeadLetterRecords(deadLetterTopic);
    this.outcomes = new OutcomeRecords(outcomesTopic, "outcome_id");
    this.source = source;
    this.maxListed = maxListed;
  }

  /** Returns the largest request that the producers of dead letters send, in bytes. */
  public static long maxRequestBytes(SpanfoldConfig config) {
    return Long.parseLong(
        KafkaClientProperties.producer(config.kafka(), DEAD_LETTER_BYTES)
            .getProperty(ProducerConfig.MAX_REQUEST_SIZE_CONFIG));
  }

  @Override
  public String name() {
    return "rejects";
  }

  @Override
  public List<String> topics() {
    return List.of(letters.topic(), outcomes.topic());
  }

  @Override
  public int maxValueBytes() {
    return DEAD_LETTER_BYTES;
  }

  @Override
  public StateType<Reject> itemType() {
    return StateType.REJECT;
  }

  @Override
  public Layout<Reject, Reject> layout(MetricGroup metrics) {
    return new RejectLayout(metrics);
  }

  @Override
  public Recovery<Reject> recovery(MetricGroup metrics) {
    return new RejectRecovery(metrics.counter("deadLettersLost"));
  }

  private ProducerRecord<byte[], byte[]> record(TalliedOutcome tallied) {
    return outcomes.of(tallied.outcome(), tallied.id());
  }

  private RecordSizeLimit letterLimit() {
    return new RecordSizeLimit(source.kafka(), letters.topic(), DEAD_LETTER_BYTES);
  }

  private final class RejectLayout implements Layout<Reject, Reject> {
    private final RecordSizeLimit letterLimit = letterLimit();
    private final Counter lettersTruncated;
    private final Counter lettersUnlisted;
    private final Counter spansOut;
    private final Counter spansUnlisted;

    /** Counted apart, so that a flood of one kind leaves room for the other. */
    private int listedLetters;

    private int listedOutcomes;

    RejectLayout(MetricGroup metrics) {
      this.lettersTruncated = metrics.counter("deadLettersTruncated");
      this.lettersUnlisted = metrics.counter("deadLettersUnlisted");
      this.spansOut = metrics.counter("outcomeSpansOut");
      this.spansUnlisted = metrics.counter("outcomeSpansUnlisted");
    }

    @Override
    public List<ProducerRecord<byte[], byte[]>> records(Reject reject) {
      return List.of(
          reject instanceof TalliedOutcome tallied ? record(tallied) : letter((DeadLetter) reject));
    }

    private ProducerRecord<byte[], byte[]> letter(DeadLetter letter) {
      ProducerRecord<byte[], byte[]> record = letters.of(letter, letterLimit::accepts);
      if (DeadLetterRecords.isTruncated(record)) {
        lettersTruncated.inc();
      }
      return record;
    }

    @Override
    public Reject item(Reject reject, int listed) {
      if (listed == 0) { // Another transaction begins.
        listedLetters = 0;
        listedOutcomes = 0;
      }
      if (reject instanceof TalliedOutcome tallied) {
        return outcome(tallied);
      }
      if (listedLetters < maxListed) {
        listedLetters++;
        return withoutRecord((DeadLetter) reject);
      }
      if (maxListed > 0) {
        lettersUnlisted.inc();
      }
      return null;
    }

    private Reject outcome(TalliedOutcome tallied) {
      spansOut.inc(tallied.outcome().quantity());
      if (listedOutcomes < maxListed) {
        listedOutcomes++;
        return tallied;
      }
      if (maxListed > 0) {
        spansUnlisted.inc(tallied.outcome().quantity());
      }
      return null;
    }

    private static DeadLetter withoutRecord(DeadLetter letter) {
      String error = letter.error();
      return new DeadLetter(
          null,
          null,
          List.of(),
          letter.reason(),
          letter.topic(),
          letter.position(),
          error.length() <= MAX_ERROR ? error : error.substring(0, MAX_ERROR) + "...");
    }
  }

  private final class RejectRecovery implements Recovery<Reject> {
    private final RecordSizeLimit letterLimit = letterLimit();
    private final Counter lost;

    RejectRecovery(Counter lost) {
      this.lost = lost;
    }

    @Override
    public Set<String> ids(Reject reject) {
      return Set.of(
          reject instanceof TalliedOutcome tallied
              ? tallied.id()
              : DeadLetterRecords.id((DeadLetter) reject));
    }

    /** A letter may have any header of its source record; an outcome has no header of letters. */
    @Override
    public String id(ConsumerRecord<byte[], byte[]> record) {
      String letter = DeadLetterRecords.id(record);
      return letter != null ? letter : outcomes.id(record.headers());
    }

    @Override
    public int records(List<Reject> rejects, Consumer<ProducerRecord<byte[], byte[]>> made)
        throws InterruptedException {
      List<DeadLetter> listed = new ArrayList<>();
      for (Reject reject : rejects) {
        if (reject instanceof DeadLetter letter) {
          listed.add(letter);
        } else {
          made.accept(record((TalliedOutcome) reject));
        }
      }
      List<DeadLetter> gone = listed.isEmpty() ? List.of() : readAgain(listed, made);
      for (DeadLetter letter : gone) {
        LOG.warn(
            "A dead letter is lost: its transaction was aborted, and {} no longer has its record at"
                + " {}-{} offset {} ({}).",
            source.topic(),
            letter.topic(),
            letter.position().partition(),
            letter.position().offset(),
            letter.reason());
      }
      lost.inc(gone.size());
      return rejects.size() - gone.size();
    }

    /** Makes letters again; returns those whose source records no longer exist. */
    private List<DeadLetter> readAgain(
        List<DeadLetter> listed, Consumer<ProducerRecord<byte[], byte[]>> made)
        throws InterruptedException {
      List<DeadLetter> gone = new ArrayList<>();
      NavigableMap<SourcePosition, DeadLetter> positions = new TreeMap<>();
      for (DeadLetter letter : listed) {
        if (letter.topic().equals(source.topic())) {
          positions.put(letter.position(), letter);
        } else {
          gone.add(letter); // It was read before source.topic was changed.
        }
      }
      try (OffsetReader reader = OffsetReader.open(source)) {
        reader.read(
            positions.navigableKeySet(),
            record -> {
              Map<SourcePosition, DeadLetter> found =
                  positions.subMap(
                      new SourcePosition(record.partition(), record.offset(), 0),
                      true,
                      new SourcePosition(record.partition(), record.offset(), Integer.MAX_VALUE),
                      true);
              for (DeadLetter letter : found.values()) {
                made.accept(
                    letters.of(
                        new DeadLetter(
                            record.key(),
                            record.value(),
                            record.headers(),
                            letter.reason(),
                            letter.topic(),
                            letter.position(),
                            letter.error()),
                        letterLimit::accepts));
              }
              found.clear();
            });
      }
      gone.addAll(positions.values());
      return gone;
    }
  }
}

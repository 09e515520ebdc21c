package io.spanfold.local.chaos;

import io.spanfold.embedded.Await;
import io.spanfold.local.chaos.load.DeliveryVerifier;
import io.spanfold.local.chaos.load.FlatTraces;
import io.spanfold.local.chaos.load.PlannedRecord;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.kafka.SpanProducer;
import io.spanfold.local.kafka.Topics;
import io.spanfold.local.servers.KafkaProcess;
import io.spanfold.local.servers.ProcessServers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.apache.kafka.common.TopicPartition;

/**
 * The faults of the source topic. What holds up a partition for longer than the job waits for one
 * ({@link Chaos#MAX_SILENCE}) happens to the partition of the second broker, which has no records
 * of the load: they would be late, and no longer in the segments that were planned. The records in
 * it are {@link FlatTraces}, whose segments do not depend on when they are read.
 */
final class SourceFaults {

  /** Longer than the job waits for a partition, by more than the output may need afterwards. */
  static final Duration LONG_WAIT = Chaos.MAX_SILENCE.plusSeconds(35);

  static final Duration SLOW_CLOCK = Duration.ofSeconds(40);

  /** Shorter than the job waits, but so long that a clock that does not wait tears segments. */
  private static final Duration SHORT_WAIT = Chaos.MAX_SILENCE.minusSeconds(5);

  private static final Duration OLD_TIMESTAMPS = Duration.ofSeconds(10);
  private static final Duration CLOCK_ERROR = Duration.ofHours(1);

  /** How long the partition is active before it is held up, so that the others wait for it. */
  private static final Duration ACTIVE = Duration.ofSeconds(3);

  private static final Duration OUTPUT_TIMEOUT = Duration.ofMinutes(4);
  private static final long RECORD_INTERVAL_MILLIS = 200;
  private static final int TRACES = 10;

  private final ProcessServers servers;
  private final RestartableJob job;
  private final LoadSender load;
  private final DeliveryVerifier verifier;
  private final Random random;
  private final FlatTraces traces;

  /** What was sent to the partition of the second broker and may not have been emitted yet. */
  private final List<PlannedRecord> sent = new ArrayList<>();

  SourceFaults(
      ProcessServers servers,
      RestartableJob job,
      LoadSender load,
      DeliveryVerifier verifier,
      Random random) {
    this.servers = servers;
    this.job = job;
    this.load = load;
    this.verifier = verifier;
    this.random = random;
    this.traces = new FlatTraces(random);
  }

  /**
   * Opens two transactions: one in a partition of the load, which is committed before the job stops
   * waiting, and one in the other partition, which is committed or aborted later.
   */
  void openTransaction() {
    String brokers = servers.bootstrapServers();
    try (SpanProducer producer = new SpanProducer(brokers)) {
      sendFor(ACTIVE, producer, Duration.ZERO);
      producer.flush();
    }
    try (UpstreamTransaction brief =
            new UpstreamTransaction(brokers, "brief", random.nextInt(Chaos.LOAD_PARTITIONS));
        UpstreamTransaction lasting =
            new UpstreamTransaction(brokers, "lasting", Chaos.FAULT_PARTITION)) {
      List<PlannedRecord> first = traces.next();
      List<PlannedRecord> second = traces.next();
      brief.send(first);
      lasting.send(second);
      Await.millis(SHORT_WAIT.toMillis());
      expect(first);
      brief.commit();
      Await.millis(LONG_WAIT.minus(SHORT_WAIT).toMillis());
      if (random.nextBoolean()) {
        expect(second);
        lasting.commit();
      } else {
        lasting.abort();
      }
    }
  }

  /** Sends records with timestamps of an hour ago, alone in their partition. */
  void slowClock() {
    try (SpanProducer producer = new SpanProducer(servers.bootstrapServers())) {
      sendFor(SLOW_CLOCK, producer, CLOCK_ERROR);
      producer.flush();
    }
  }

  /** Has some records of the load sent with old timestamps. */
  void oldTimestamps() {
    load.oldTimestamps(true);
    try {
      Await.millis(OLD_TIMESTAMPS.toMillis());
    } finally {
      load.oldTimestamps(false);
    }
  }

  /** Kills or suspends the second broker while records are sent to its partition. */
  void leaderAway() {
    KafkaProcess leader = servers.secondBroker();
    try (SpanProducer producer = new SpanProducer(servers.bootstrapServers())) {
      sendFor(ACTIVE, producer, Duration.ZERO);
      producer.flush();
      if (random.nextBoolean()) {
        leader.kill();
        sendFor(LONG_WAIT, producer, Duration.ZERO);
        leader.restart();
      } else {
        ProcessSignals.suspendDuring(
            leader.pid(), () -> sendFor(LONG_WAIT, producer, Duration.ZERO));
      }
      producer.flush();
    }
  }

  /** Deletes half of the records that are sent while the job is down, the older ones. */
  void retention() {
    try (SpanProducer producer = new SpanProducer(servers.bootstrapServers())) {
      sendNow(producer);
      // Then the job has read everything, so it is certain what it has not read at the restart.
      awaitOutput();
      job.restart(() -> sendAndDelete(producer));
    }
  }

  private void sendAndDelete(SpanProducer producer) {
    TopicPartition partition = new TopicPartition(Topics.SPANS, Chaos.FAULT_PARTITION);
    long end = Topics.endOffset(servers.bootstrapServers(), partition);
    List<PlannedRecord> older = sendNow(producer);
    sendNow(producer);
    Topics.deleteRecords(servers.bootstrapServers(), partition, end + older.size());
    sent.removeAll(older);
    verifier.deleted(older, System.currentTimeMillis());
  }

  private void awaitOutput() {
    if (!Await.until(() -> verifier.hasEmitted(sent), OUTPUT_TIMEOUT)) {
      throw new FailedRunException(
          "spans in partition %d were not emitted within %d s"
              .formatted(Chaos.FAULT_PARTITION, OUTPUT_TIMEOUT.toSeconds()));
    }
    sent.clear();
  }

  /** Sends traces one record after another for a time. */
  private void sendFor(Duration time, SpanProducer producer, Duration behind) {
    long end = System.nanoTime() + time.toNanos();
    while (System.nanoTime() < end) {
      List<PlannedRecord> trace = traces.next();
      expect(trace);
      for (PlannedRecord planned : trace) {
        send(producer, planned, System.currentTimeMillis() - behind.toMillis());
        Await.millis(RECORD_INTERVAL_MILLIS);
      }
    }
  }

  /** Sends some traces at once. */
  private List<PlannedRecord> sendNow(SpanProducer producer) {
    List<PlannedRecord> records = new ArrayList<>();
    for (int i = 0; i < TRACES; i++) {
      records.addAll(traces.next());
    }
    expect(records);
    records.forEach(planned -> send(producer, planned, System.currentTimeMillis()));
    producer.flush();
    return records;
  }

  private void expect(List<PlannedRecord> records) {
    records.forEach(planned -> verifier.sent(planned, System.currentTimeMillis()));
    sent.addAll(records);
  }

  private static void send(SpanProducer producer, PlannedRecord planned, long timestamp) {
    producer.send(Chaos.FAULT_PARTITION, Optional.of(planned.key()), timestamp, planned.value());
  }
}

package io.spanfold.job.time;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.job.adopt.AdoptionStatus;
import io.spanfold.job.resource.SharedResource;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class IdleWatermarkOperatorTest {

  private OneInputStreamOperatorTestHarness<String, String> harness;

  /** The status that the operator shares with the reader. */
  private SharedResource.Share<ReadingStatus> share;

  private SharedResource.Share<AdoptionStatus> adoption;

  @AfterEach
  void close() throws Exception {
    harness.close();
    share.close();
    if (adoption != null) {
      adoption.close();
    }
  }

  @Test
  void forwardsElementsAndWatermarks() throws Exception {
    open(null);
    harness.processElement(new StreamRecord<>("a", 5));
    harness.processWatermark(new Watermark(4));
    assertThat(harness.getOutput()).containsExactly(new StreamRecord<>("a", 5), new Watermark(4));
  }

  @Test
  void advancesWithTheWallClockWhileTheSourceIsIdle() throws Exception {
    open(null);
    harness.processWatermark(new Watermark(100));
    harness.processWatermarkStatus(WatermarkStatus.IDLE);
    passesUntil(11_000);
    assertThat(harness.getOutput()).doesNotContain(WatermarkStatus.IDLE);
    assertThat(harness.getOutput()).endsWith(new Watermark(11_100));
  }

  @Test
  void doesNotAdvanceWhileTheSourceIsActive() throws Exception {
    open(null);
    harness.processWatermark(new Watermark(100));
    passesUntil(11_000);
    assertThat(harness.getOutput()).containsExactly(new Watermark(100));
  }

  @Test
  void neverGoesBackWhenTheSourceBecomesActive() throws Exception {
    open(null);
    harness.processWatermark(new Watermark(100));
    harness.processWatermarkStatus(WatermarkStatus.IDLE);
    passesUntil(11_000);
    harness.processWatermarkStatus(WatermarkStatus.ACTIVE);
    harness.processWatermark(new Watermark(5_000));
    assertThat(harness.getOutput()).doesNotContain(new Watermark(5_000));
    harness.processWatermark(new Watermark(20_000));
    assertThat(harness.getOutput()).endsWith(new Watermark(20_000));
  }

  @Test
  void isIdleIfNoRecordWasEverRead() throws Exception {
    open(null);
    harness.processWatermarkStatus(WatermarkStatus.IDLE);
    passesUntil(11_000);
    assertThat(harness.getOutput()).containsExactly(WatermarkStatus.IDLE);
  }

  @Test
  void advancesAfterARestoreWithoutNewInput() throws Exception {
    open(null);
    harness.processWatermark(new Watermark(100));
    OperatorSubtaskState state = harness.snapshot(1, 1);
    harness.close();
    open(state);
    harness.processWatermarkStatus(WatermarkStatus.IDLE);
    harness.setProcessingTime(1_000);
    assertThat(harness.getOutput()).endsWith(new Watermark(1_100));
  }

  @Test
  void endOfInputEmitsTheMaximumWatermarkAlthoughTheSourceIsIdle() throws Exception {
    open(null);
    harness.processWatermarkStatus(WatermarkStatus.IDLE);
    harness.endInput();
    assertThat(harness.getOutput()).endsWith(WatermarkStatus.ACTIVE, Watermark.MAX_WATERMARK);
  }

  @Test
  void drainedSavepointDoesNotKeepTheMaximumWatermark() throws Exception {
    open(null);
    harness.processWatermark(new Watermark(100));
    harness.processWatermark(Watermark.MAX_WATERMARK);
    OperatorSubtaskState state = harness.snapshot(1, 1);
    harness.close();
    open(state);
    harness.processWatermark(new Watermark(200));
    assertThat(harness.getOutput()).endsWith(new Watermark(200));
  }

  /** Late spans are compared with the clock, which must be known before a record arrives. */
  @Test
  void emitsTheRestoredWatermarkFirst() throws Exception {
    restoredAt(100, 0);
    harness.setProcessingTime(0);
    assertThat(harness.getOutput()).containsExactly(new Watermark(100));
  }

  @Test
  void catchesUpWithDowntimeIfThereIsNoBacklog() throws Exception {
    restoredAt(100, 3_600_000);
    reading().assigned(0, 42);
    reading().answered(0, 42);
    harness.processWatermarkStatus(WatermarkStatus.IDLE);
    passesUntil(3_601_000);
    assertThat(harness.getOutput()).endsWith(new Watermark(1_100));
    passesUntil(3_630_000);
    assertThat(harness.getOutput()).endsWith(new Watermark(3_630_100));
  }

  /** A barrier comes between two watermarks of a source that reads a backlog fast. */
  @Test
  void catchesUpWithRecordTimeReadSinceTheLastWatermark() throws Exception {
    open(null);
    harness.processWatermark(new Watermark(100));
    harness.processElement(new StreamRecord<>("a", 90_000));
    restoreFrom(harness.snapshot(1, 1), 0);
    reading().assigned(0, 42);
    reading().answered(0, 42);
    harness.processWatermarkStatus(WatermarkStatus.IDLE);
    harness.setProcessingTime(1_000);
    assertThat(harness.getOutput()).endsWith(new Watermark(90_999));
  }

  @Test
  void doesNotCatchUpIfThereIsABacklog() throws Exception {
    restoredAt(100, 3_600_000);
    reading().assigned(0, 42);
    reading().answered(0, 1_000);
    harness.processWatermarkStatus(WatermarkStatus.IDLE);
    passesUntil(3_640_000);
    assertThat(harness.getOutput()).endsWith(new Watermark(40_100));

    // Its records determine record time from now on.
    harness.processWatermarkStatus(WatermarkStatus.ACTIVE);
    harness.processWatermark(new Watermark(50_000));
    harness.processWatermarkStatus(WatermarkStatus.IDLE);
    reading().answered(0, 42);
    passesUntil(3_740_000);
    assertThat(harness.getOutput()).endsWith(new Watermark(150_000));
  }

  @Test
  void stopsWhileNothingCanBeRead() throws Exception {
    open(null);
    harness.processWatermark(new Watermark(100));
    reading().assigned(0, 42); // No leader has answered.
    harness.processWatermarkStatus(WatermarkStatus.IDLE);
    passesUntil(11_000);
    assertThat(harness.getOutput()).containsExactly(new Watermark(100));
  }

  @Test
  void advancesWithTheWallClockWhileRedisIsFull() throws Exception {
    open(null);
    harness.processWatermark(new Watermark(100));
    reading().gate(() -> ReadingStatus.Gate.CLOSED_UNDER_PRESSURE);
    passesUntil(11_000);
    assertThat(harness.getOutput()).endsWith(new Watermark(11_100));
  }

  @Test
  void startsAtTheEarliestRecordIfRedisIsFullBeforeTheFirstWatermark() throws Exception {
    open(null);
    harness.processElement(new StreamRecord<>("b", 500));
    harness.processElement(new StreamRecord<>("a", 300));
    harness.setProcessingTime(1_000);
    assertThat(harness.extractOutputValues()).hasSize(2);
    assertThat(harness.getOutput()).hasSize(2);
    reading().gate(() -> ReadingStatus.Gate.CLOSED_UNDER_PRESSURE);
    harness.setProcessingTime(3_000);
    assertThat(harness.getOutput()).endsWith(new Watermark(2_300));
  }

  @Test
  void stopsWhileTheTaskStallsAndCatchesUpIfNoRecordArrived() throws Exception {
    restoredAt(100, 0);
    harness.processWatermarkStatus(WatermarkStatus.IDLE);
    harness.setProcessingTime(0);
    harness.setProcessingTime(20_000);
    assertThat(harness.getOutput()).endsWith(new Watermark(100));
    passesUntil(51_000);
    assertThat(harness.getOutput()).endsWith(new Watermark(51_100));
  }

  @Test
  void startsWhenTheAdoptionStartedIfThereIsNothingToRead() throws Exception {
    openAdopting(1_000_000);
    harness.processWatermarkStatus(WatermarkStatus.IDLE);
    passesUntil(60_000);
    assertThat(harness.getOutput()).as("while it adopts").containsExactly(WatermarkStatus.IDLE);
    reading().assigned(0, 0);
    reading().assigned(1, KafkaPartitionSplit.COMMITTED_OFFSET);
    for (int second = 60; second < 95; second++) {
      reading().answered(0, 0);
      reading().answered(1, 100);
      passesUntil(1_000L * second);
      if (second == 85) {
        assertThat(harness.getOutput()).containsExactly(WatermarkStatus.IDLE);
      }
    }
    assertThat(harness.getOutput())
        .containsSubsequence(WatermarkStatus.ACTIVE, new Watermark(1_001_000));
  }

  @Test
  void waitsForTheFirstRecordIfThereIsOneAlthoughSomethingIsAdopted() throws Exception {
    openAdopting(1_000_000);
    harness.processWatermarkStatus(WatermarkStatus.IDLE);
    reading().assigned(0, 0);
    for (int second = 0; second < 60; second++) {
      reading().answered(0, 100);
      passesUntil(1_000L * second);
    }
    assertThat(harness.getOutput()).containsExactly(WatermarkStatus.IDLE);
  }

  @Test
  void startsWhenTheAdoptionStartedIfRedisIsFullBeforeAnythingIsRead() throws Exception {
    openAdopting(1_000_000);
    reading().gate(() -> ReadingStatus.Gate.CLOSED_UNDER_PRESSURE);
    passesUntil(5_000);
    assertThat(harness.getOutput()).as("while it adopts").isEmpty();
    reading().assigned(0, 0);
    passesUntil(8_000);
    assertThat(harness.getOutput()).endsWith(new Watermark(1_003_000));
  }

  /** Opens it with a downstream operator that started the adoption at {@code time}. */
  private void openAdopting(long time) throws Exception {
    open(null);
    adoption = AdoptionStatus.open(harness.getOneInputOperator().getMetricGroup());
    adoption.get().begin(time);
  }

  private void passesUntil(long millis) throws Exception {
    for (long now = harness.getProcessingTime(); now < millis; now += 1_000) {
      harness.setProcessingTime(Math.min(now + 1_000, millis));
    }
  }

  /** Restores a job that was stopped at {@code watermark} and down for {@code millis}. */
  private void restoredAt(long watermark, long millis) throws Exception {
    open(null);
    harness.processWatermark(new Watermark(watermark));
    restoreFrom(harness.snapshot(1, 1), millis);
  }

  private void restoreFrom(OperatorSubtaskState state, long millis) throws Exception {
    harness.close();
    harness = new OneInputStreamOperatorTestHarness<>(new IdleWatermarkOperator<>());
    harness.setup();
    harness.initializeState(state);
    harness.setProcessingTime(millis);
    harness.open();
    takeShare();
  }

  private void takeShare() throws Exception {
    if (share != null) {
      share.close();
    }
    share = ReadingStatus.open(harness.getOneInputOperator().getMetricGroup());
  }

  private ReadingStatus reading() {
    return share.get();
  }

  private void open(OperatorSubtaskState state) throws Exception {
    harness = new OneInputStreamOperatorTestHarness<>(new IdleWatermarkOperator<>());
    harness.setup();
    if (state != null) {
      harness.initializeState(state);
    }
    harness.open();
    takeShare();
  }
}

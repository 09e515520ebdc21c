package io.spanfold.job.parse;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.Outcome.Reason;
import io.spanfold.core.model.TalliedOutcome;
import java.util.List;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class OutcomeTallyTest {

  private OneInputStreamOperatorTestHarness<Outcome, TalliedOutcome> harness;

  @BeforeEach
  void open() throws Exception {
    harness = new OneInputStreamOperatorTestHarness<>(new OutcomeTally());
    harness.open();
  }

  @AfterEach
  void close() throws Exception {
    harness.close();
  }

  @Test
  void addsUpByOrganizationProjectAndReasonUntilTheBarrier() throws Exception {
    add(new Outcome(10, 1, 2, Reason.DROPPED, 1));
    add(new Outcome(30, 1, 2, Reason.DROPPED, 1));
    add(new Outcome(20, 1, 2, Reason.DROPPED, 3));
    add(new Outcome(20, 2, 2, Reason.DROPPED, 1));
    add(new Outcome(20, 1, 3, Reason.DROPPED, 1));
    add(new Outcome(20, 1, 2, Reason.PAYLOAD_LOST, 1));
    assertThat(outcomes()).isEmpty();

    harness.prepareSnapshotPreBarrier(1);

    assertThat(outcomes())
        .containsExactlyInAnyOrder(
            new Outcome(30, 1, 2, Reason.DROPPED, 5),
            new Outcome(20, 2, 2, Reason.DROPPED, 1),
            new Outcome(20, 1, 3, Reason.DROPPED, 1),
            new Outcome(20, 1, 2, Reason.PAYLOAD_LOST, 1));
  }

  @Test
  void countsNothingTwice() throws Exception {
    add(new Outcome(10, 1, 2, Reason.DROPPED, 4));
    harness.prepareSnapshotPreBarrier(1);
    harness.prepareSnapshotPreBarrier(2);
    add(new Outcome(10, 1, 2, Reason.DROPPED, 4));
    harness.getOneInputOperator().finish();

    assertThat(outcomes()).extracting(Outcome::quantity).containsExactly(4L, 4L);
    assertThat(harness.extractOutputValues())
        .extracting(TalliedOutcome::id)
        .doesNotHaveDuplicates()
        .allMatch(id -> id.matches("[0-9a-f]{32}"));
  }

  @Test
  void holdsABoundedNumberOfProjects() throws Exception {
    for (int project = 0; project < OutcomeTally.MAX_OPEN - 1; project++) {
      add(new Outcome(10, 1, project, Reason.DROPPED, 1));
    }
    assertThat(outcomes()).isEmpty();

    add(new Outcome(10, 1, OutcomeTally.MAX_OPEN, Reason.DROPPED, 1));

    assertThat(outcomes()).hasSize(OutcomeTally.MAX_OPEN);
  }

  private void add(Outcome outcome) throws Exception {
    harness.processElement(new StreamRecord<>(outcome));
  }

  private List<Outcome> outcomes() {
    return harness.extractOutputValues().stream().map(TalliedOutcome::outcome).toList();
  }
}

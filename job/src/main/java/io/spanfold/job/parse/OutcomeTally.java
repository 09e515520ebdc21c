package io.spanfold.job.parse;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.TalliedOutcome;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Adds up outcomes of the same organization, project and reason, so that a flood of dropped spans
 * is not a flood of outcomes: one a checkpoint, at most one for each that is added.
 *
 * <p>It has no state: what it has added up is handed on before each barrier, and at the end of
 * input. So an outcome is committed with the checkpoint in which its spans were read. How much it
 * holds is bounded.
 */
public final class OutcomeTally extends AbstractStreamOperator<TalliedOutcome>
    implements OneInputStreamOperator<Outcome, TalliedOutcome> {

  private static final long serialVersionUID = 1L;

  /** Some hundred bytes each. */
  static final int MAX_OPEN = 10_000;

  private transient Map<Group, Outcome> open;

  @Override
  public void open() throws Exception {
    super.open();
    open = new LinkedHashMap<>();
  }

  @Override
  public void processElement(StreamRecord<Outcome> record) {
    Outcome outcome = record.getValue();
    open.merge(
        new Group(outcome.organizationId(), outcome.projectId(), outcome.reason()),
        outcome,
        OutcomeTally::sum);
    if (open.size() >= MAX_OPEN) {
      forward();
    }
  }

  private static Outcome sum(Outcome some, Outcome more) {
    return new Outcome(
        Math.max(some.timestamp(), more.timestamp()),
        some.organizationId(),
        some.projectId(),
        some.reason(),
        some.quantity() + more.quantity());
  }

  private void forward() {
    for (Outcome outcome : open.values()) {
      // Made up, not derived: what is added up after a failure is another outcome, even where it
      // says the same.
      UUID id = UUID.randomUUID();
      output.collect(
          new StreamRecord<>(
              new TalliedOutcome(
                  Hex.id(id.getMostSignificantBits()) + Hex.id(id.getLeastSignificantBits()),
                  outcome)));
    }
    open.clear();
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    forward();
    super.prepareSnapshotPreBarrier(checkpointId);
  }

  @Override
  public void finish() throws Exception {
    forward();
    super.finish();
  }

  private record Group(long organizationId, long projectId, Outcome.Reason reason) {}
}

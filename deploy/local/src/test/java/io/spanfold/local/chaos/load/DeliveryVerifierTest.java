package io.spanfold.local.chaos.load;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.local.chaos.load.DeliveryReport.Finding;
import io.spanfold.local.chaos.load.DeliveryReport.Flaw;
import io.spanfold.local.chaos.load.LoadFixture.Message;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The correct output of the job, and the same with one flaw. */
class DeliveryVerifierTest {

  private final DeliveryVerifier verifier = new DeliveryVerifier();
  private final List<PlannedRecord> records = LoadFixture.records(1, 100);
  private final List<Message> output = new ArrayList<>();
  private final List<String> deadLetters = new ArrayList<>();

  @BeforeEach
  void send() {
    records.forEach(planned -> verifier.sent(planned, planned.dueMillis()));
    LoadFixture.spans(records).forEach(planned -> output.add(LoadFixture.message(planned)));
    records.stream().filter(r -> r.span() == null).forEach(r -> deadLetters.add(r.key()));
  }

  private DeliveryReport report() {
    output.forEach(message -> message.into(verifier));
    deadLetters.forEach(key -> verifier.deadLetter(key, 1_000));
    return verifier.report(2_000);
  }

  private static String id(Message message) {
    return message.key() + ":" + message.span().get("span_id").asText();
  }

  @Test
  void findsNothingIfEverySpanIsEmittedOnceInItsSegment() {
    DeliveryReport report = report();

    assertThat(report.findings()).isEmpty();
    assertThat(report.isGood()).isTrue();
    assertThat(report.spans()).isEqualTo(output.size());
    assertThat(report.badRecords()).isEqualTo(deadLetters.size()).isPositive();
    assertThat(report.copies()).isPositive();
    assertThat(verifier.missing()).isZero();
  }

  @Test
  void findsASpanThatWasLost() {
    Message lost = output.remove(17);

    assertOnly(Flaw.LOST, id(lost));
    assertThat(verifier.missing()).isOne();
  }

  @Test
  void findsASpanThatWasDoubled() {
    Message doubled = output.get(17);
    output.add(doubled);

    assertOnly(Flaw.DOUBLED, id(doubled));
  }

  @Test
  void findsASpanInAWrongSegment() {
    Message moved = output.get(17);
    output.set(17, moved.in("00000000deadbeef"));

    assertThat(report().findings()).extracting(Finding::flaw).contains(Flaw.MISPLACED);
    assertThat(verifier.report(2_000).findings()).allMatch(f -> f.what().equals(id(moved)));
  }

  @Test
  void findsASpanUnderTheKeyOfAnotherTrace() {
    Message moved = output.get(17);
    output.set(17, new Message("9:" + "0".repeat(32), "idle", moved.span()));

    assertOnly(Flaw.MISPLACED, id(moved));
  }

  @Test
  void aWrongSegmentIdUnderMemoryPressureIsOnlyCounted() {
    Message child =
        output.stream().filter(m -> !m.span().get("is_segment").asBoolean()).findFirst().get();
    output.remove(child);
    output.add(child.in("00000000deadbeef").because("pressure"));

    DeliveryReport report = report();

    assertThat(report.isGood()).isTrue();
    assertThat(report.namedUnderPressure()).isOne();
  }

  @Test
  void findsASpanThatWasAltered() {
    Message altered = output.get(17);
    altered.span().put("padding", altered.span().get("padding").asText() + "0");

    assertOnly(Flaw.ALTERED, id(altered));
  }

  @Test
  void findsASpanWithAWrongIsSegmentFlag() {
    Message altered = output.get(17);
    altered.span().put("is_segment", !altered.span().get("is_segment").asBoolean());

    assertOnly(Flaw.ALTERED, id(altered));
  }

  @Test
  void findsASpanThatWasNeverSent() {
    Message unknown = LoadFixture.message(LoadFixture.spans(LoadFixture.records(2, 1)).get(0));
    output.add(unknown);

    assertOnly(Flaw.UNKNOWN, id(unknown));
  }

  @Test
  void findsDeadLettersThatAreMissingDoubledOrOfGoodRecords() {
    String missing = deadLetters.remove(0);
    deadLetters.add(deadLetters.get(0));
    deadLetters.add("good");

    assertThat(report().findings())
        .extracting(Finding::flaw, Finding::what)
        .containsExactlyInAnyOrder(
            org.assertj.core.groups.Tuple.tuple(Flaw.LOST, "dead letter " + missing),
            org.assertj.core.groups.Tuple.tuple(Flaw.DOUBLED, "dead letter " + deadLetters.get(0)),
            org.assertj.core.groups.Tuple.tuple(Flaw.UNKNOWN, "dead letter good"));
  }

  @Test
  void anOutcomeMakesTheReportBad() {
    verifier.outcome("payload-lost", 2);

    assertThat(report().isGood()).isFalse();
    assertThat(verifier.report(2_000).outcomeSpans()).isEqualTo(2);
  }

  @Test
  void recordsThatWereDeletedBeforeTheyWereReadAreReportedExactly() {
    delete(3);
    verifier.outcome("offsets-lost", 1);
    verifier.outcome("offsets-lost", 2);

    DeliveryReport report = report();

    assertThat(report.isGood()).isTrue();
    assertThat(report.deleted()).isEqualTo(3);
    assertThat(report.spans()).isEqualTo(output.size());
    assertThat(report.outcomeSpans()).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2, 4})
  void findsThatMoreOrFewerRecordsAreReportedThanWereDeleted(int reported) {
    delete(3);
    verifier.outcome("offsets-lost", reported);

    assertOnly(Flaw.MISREPORTED, "offsets-lost outcomes");
    assertThat(verifier.report(2_000).findings().get(0).sentMillis()).isEqualTo(500);
  }

  @Test
  void findsThatDeletedRecordsAreReportedAlthoughNoneWere() {
    verifier.outcome("offsets-lost", 1);

    assertOnly(Flaw.MISREPORTED, "offsets-lost outcomes");
  }

  @Test
  void findsASpanThatWasEmittedAlthoughItWasDeleted() {
    Message deleted = output.get(0);
    delete(1);
    verifier.outcome("offsets-lost", 1);
    output.add(deleted);

    assertOnly(Flaw.UNKNOWN, id(deleted));
  }

  @Test
  void knowsWhetherSpansHaveBeenEmitted() {
    List<PlannedRecord> spans = LoadFixture.spans(records).subList(0, 2);

    output.get(0).into(verifier);
    assertThat(verifier.hasEmitted(spans)).isFalse();

    output.get(1).into(verifier);
    assertThat(verifier.hasEmitted(spans)).isTrue();
  }

  /** Deletes the first spans from the source topic, so that a job without a fault emits none. */
  private void delete(int count) {
    verifier.deleted(LoadFixture.spans(records).subList(0, count), 500);
    output.subList(0, count).clear();
  }

  private void assertOnly(Flaw flaw, String what) {
    assertThat(report().findings())
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.flaw()).isEqualTo(flaw);
              assertThat(finding.what()).isEqualTo(what);
            });
  }
}

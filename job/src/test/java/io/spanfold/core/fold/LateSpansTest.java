package io.spanfold.core.fold;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.Span;
import io.spanfold.testing.RandomTraces;
import io.spanfold.testing.Spans;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Spans that come at {@link #NOW} or some seconds later, some of them with a much older time. */
class LateSpansTest {

  private static final long NOW = 1_760_000_000_000L;
  private static final long SECOND = 1_000;
  private static final long MINUTE = 60 * SECOND;

  private static final FoldSettings SETTINGS =
      new FoldSettings(MINUTE, 10 * SECOND, 15 * MINUTE, MINUTE, Long.MAX_VALUE);

  private final FoldHarness fold = new FoldHarness(SETTINGS);
  private int offset;

  /** A part as it left. */
  private record Part(long segment, int number, Set<Long> spans) {}

  @ParameterizedTest
  @ValueSource(longs = {10_000, 60_000, 1_200_000, 36_000_000, 1_760_000_000_000L})
  void anOldSpanThatComesFirstJoinsItsRoot(long age) {
    at(0, child(2, 1, -age));
    at(1, root(1, SECOND));

    assertThat(parts()).containsExactly(new Part(1, 0, Set.of(1L, 2L)));
  }

  @ParameterizedTest
  @ValueSource(longs = {10_000, 60_000, 1_200_000, 36_000_000, 1_760_000_000_000L})
  void anOldSpanThatComesFirstJoinsTheRootAboveItsParent(long age) {
    at(0, child(3, 2, -age));
    at(30, child(2, 1, 30 * SECOND));
    at(31, root(1, 31 * SECOND));

    assertThat(parts()).containsExactly(new Part(1, 0, Set.of(1L, 2L, 3L)));
  }

  @ParameterizedTest
  @ValueSource(longs = {10_000, 60_000, 1_200_000, 36_000_000, 1_760_000_000_000L})
  void anOldSpanBetweenOthersLeavesThemInTheirPart(long age) {
    at(0, root(1, 0), child(2, 1, SECOND / 2));
    at(1, child(3, 1, -age));
    at(2, child(4, 2, 2 * SECOND));
    at(3, child(5, 4, 3 * SECOND));

    assertThat(parts()).containsExactly(new Part(1, 0, Set.of(1L, 2L, 3L, 4L, 5L)));
  }

  @ParameterizedTest
  @ValueSource(longs = {10_000, 60_000, 1_200_000, 36_000_000, 1_760_000_000_000L})
  void childrenInTimeJoinTheirOldRoot(long age) {
    at(0, root(1, -age));
    at(1, child(2, 1, SECOND));
    at(2, child(3, 2, 2 * SECOND));

    assertThat(parts()).containsExactly(new Part(1, 0, Set.of(1L, 2L, 3L)));
  }

  @ParameterizedTest
  @ValueSource(longs = {10_000, 60_000, 1_200_000, 36_000_000, 1_760_000_000_000L})
  void anOldRootJoinsItsChildrenInTime(long age) {
    at(0, child(3, 2, 0));
    at(1, child(2, 1, SECOND));
    at(2, root(1, -age));
    at(3, child(4, 3, 3 * SECOND));

    assertThat(parts()).containsExactly(new Part(1, 0, Set.of(1L, 2L, 3L, 4L)));
  }

  @Test
  void anOldSpanDoesNotAgeThePartThatItJoins() {
    at(0, root(1, 0));
    at(5, child(2, 1, -20 * MINUTE));
    fold.advanceTo(NOW + 15 * SECOND - 1);
    assertThat(fold.parts).isEmpty();
    fold.advanceTo(NOW + 15 * SECOND);

    assertThat(fold.parts).extracting(DuePart::reason).containsExactly(FlushReason.IDLE);
  }

  /** As in an uneven backlog: the clock has not yet come to the older one. */
  @Test
  void aMuchOlderSpanThatComesAfterANewOneEndsNoMemory() {
    fold.advanceTo(NOW - 60 * MINUTE);
    fold.add(List.of(root(1, 0), child(2, 1, 0), child(3, 1, -20 * MINUTE)));
    fold.add(List.of(child(4, 2, SECOND)));

    assertThat(parts())
        .containsExactly(new Part(1, 0, Set.of(1L, 2L, 3L)), new Part(1, 1, Set.of(4L)));
  }

  @Test
  void aSegmentOfLateSpansAndOneInTimeMergeUnderTheTrueName() {
    at(0, child(4, 3, -20 * MINUTE), child(3, 2, -20 * MINUTE));
    at(20, root(1, 20 * SECOND));
    at(25, child(2, 1, 25 * SECOND));
    at(26, child(5, 4, 26 * SECOND));

    assertThat(parts()).containsExactly(new Part(1, 0, Set.of(1L, 2L, 3L, 4L, 5L)));
  }

  @Test
  void aFlushedSegmentAndOneOfLateSpansMergeUnderTheTrueName() {
    at(0, root(1, 0));
    at(5, child(3, 2, -20 * MINUTE));
    at(50, child(2, 1, -20 * MINUTE));
    at(55, child(4, 3, 55 * SECOND));

    assertThat(parts())
        .containsExactly(new Part(1, 0, Set.of(1L)), new Part(1, 1, Set.of(2L, 3L, 4L)));
  }

  @Test
  void thePartOfALateSpanIsRememberedFromWhenItIsDue() {
    at(0, root(1, -20 * MINUTE), child(2, 1, -20 * MINUTE));
    at(69, child(3, 2, 69 * SECOND));

    assertThat(parts()).containsExactly(new Part(1, 0, Set.of(1L, 2L)), new Part(1, 1, Set.of(3L)));
  }

  /** Otherwise each would be a message of its own. */
  @Test
  void lateSpansAreGathered() {
    at(0, root(1, 0));
    List<Long> spans = new ArrayList<>();
    for (int second = 20; second < 30; second++) {
      at(second, child(second, 1, -20 * MINUTE));
      spans.add((long) second);
    }

    assertThat(parts())
        .containsExactly(new Part(1, 0, Set.of(1L)), new Part(1, 1, Set.copyOf(spans)));
  }

  @Test
  void lateSpansAreGatheredForTheMaximumAgeAtMost() {
    at(0, root(1, -20 * MINUTE));
    for (int second = 5; second < 20 * 60; second += 5) {
      at(second, child(second + 1, 1, -20 * MINUTE));
    }

    assertThat(fold.parts).extracting(DuePart::reason).containsExactly(FlushReason.MAX_AGE);
    assertThat(fold.parts).extracting(DuePart::dueAt).containsExactly(NOW + 15 * MINUTE);
  }

  /** So that jitter within a partition leaves the rule exact. */
  @Test
  void aSpanThatIsBehindByLessThanTheShortestTimeoutIsNotLate() {
    at(0, root(1, 0));
    at(9.999, child(2, 1, 0));
    at(12, child(3, 1, 12 * SECOND));

    assertThat(parts()).containsExactly(new Part(1, 0, Set.of(1L, 2L)), new Part(1, 1, Set.of(3L)));
  }

  /** One partition is read ahead of the clock, and has an old span, too. */
  @Test
  void anOldSpanThatWaitsBehindAnEarlyOneMakesNoOtherWait() {
    at(0, root(1, 0));
    fold.add(List.of(read(1, child(2, 1, 11 * SECOND)), read(1, child(3, 1, -20 * MINUTE))));
    assertThat(fold.heldBack).isEqualTo(2);
    at(5, child(4, 1, 5 * SECOND));
    assertThat(fold.heldBack).isEqualTo(2);

    assertThat(parts()).containsExactly(new Part(1, 0, Set.of(1L, 2L, 3L, 4L)));
  }

  /** Adds spans that come at a time of the clock, in seconds after {@link #NOW}. */
  private void at(double seconds, Span... spans) {
    fold.advanceTo(NOW + (long) (seconds * SECOND));
    fold.add(List.of(spans));
  }

  private Span root(long id, long sent) {
    return Spans.root(FoldHarness.TRACE, id, NOW + sent, offset++);
  }

  private Span child(long id, long parent, long sent) {
    return Spans.child(FoldHarness.TRACE, id, parent, NOW + sent, offset++);
  }

  private static Span read(int partition, Span span) {
    return RandomTraces.at(span, span.timestamp(), partition, span.offset());
  }

  /** Ends the input. */
  private List<Part> parts() {
    fold.end();
    assertThat(fold.state.isEmpty()).as("state left behind").isTrue();
    assertThat(fold.allDeletable()).as("payloads left behind").isTrue();
    List<Part> parts = new ArrayList<>();
    for (DuePart part : fold.parts) {
      Set<Long> spans = fold.spansOf(part).stream().map(Span::spanId).collect(Collectors.toSet());
      parts.add(new Part(part.segmentId(), part.partNumber(), spans));
    }
    return parts;
  }
}

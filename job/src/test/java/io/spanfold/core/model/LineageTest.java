package io.spanfold.core.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LineageTest {

  @Test
  void whatAnAttemptWroteAfterTheRestoredCheckpointIsGivenUp() {
    Lineage lineage = Lineage.of(Map.of(100L, 0L)).continuedBy(200, 7);
    assertThat(lineage.isGivenUp(new Generation(100, 6))).isFalse();
    assertThat(lineage.isGivenUp(new Generation(100, 7))).isTrue();
    assertThat(lineage.isGivenUp(new Generation(100, 8))).isTrue();
    assertThat(lineage.isGivenUp(new Generation(200, 7))).as("the current attempt").isFalse();
  }

  @Test
  void allOfAnAttemptWithoutACheckpointIsGivenUp() {
    Lineage lineage = Lineage.of(Map.of(100L, 0L)).continuedBy(300, 7);
    assertThat(lineage.isGivenUp(new Generation(200, 7))).isTrue();
  }

  @Test
  void allOfEarlierAttemptsIsGivenUpByOneThatStartsWithoutState() {
    Lineage lineage = Lineage.of(Map.of(100L, Lineage.NOTHING_KEPT)).continuedBy(200, 0);
    assertThat(lineage.isGivenUp(new Generation(100, 0))).isTrue();
    assertThat(lineage.isGivenUp(new Generation(150, 3))).isTrue();
    assertThat(lineage.isGivenUp(new Generation(99, 3))).as("another job").isFalse();
  }

  @Test
  void anEpochBelowTheLastOneBeginsALineageAnew() {
    Lineage lineage = Lineage.of(Map.of(100L, 0L)).continuedBy(90, 7);
    assertThat(lineage.isGivenUp(new Generation(90, 8))).isFalse();
    assertThat(lineage.isGivenUp(new Generation(100, 6))).isFalse();
  }

  @Test
  void anAttemptWhoseLeaseWasTakenAgainHasTwoEpochs() {
    Lineage lineage = Lineage.of(Map.of(100L, 5L, 101L, 5L)).continuedBy(200, 7);
    assertThat(lineage.isGivenUp(new Generation(100, 6))).isFalse();
    assertThat(lineage.isGivenUp(new Generation(100, 7))).isTrue();
  }

  @Test
  void nothingIsKnownOfOlderAndNewerAttempts() {
    Lineage lineage = Lineage.of(Map.of(100L, 0L)).continuedBy(200, 7);
    assertThat(lineage.isGivenUp(new Generation(99, 50))).isFalse();
    assertThat(lineage.isGivenUp(new Generation(201, 50))).isFalse();
    assertThat(Lineage.of(Map.of()).isGivenUp(new Generation(1, 1))).isFalse();
  }

  @Test
  void onlyTheLastAttemptsAreRemembered() {
    Lineage lineage = Lineage.of(Map.of());
    for (long epoch = 1; epoch <= 2_000; epoch++) {
      lineage = lineage.continuedBy(epoch, epoch * 10);
    }
    assertThat(lineage.restoredFrom()).hasSize(1_000).containsKey(2_000L).doesNotContainKey(1_000L);
  }

  /** Attempts that write, complete checkpoints or not, and are restored from some checkpoint. */
  @Test
  void exactlyWhatNoStateRefersToIsGivenUp() {
    Random random = new Random(14);
    for (int round = 0; round < 500; round++) {
      Set<Generation> all = new HashSet<>();
      Map<Long, Set<Generation>> referred = new HashMap<>(Map.of(0L, Set.of()));
      Map<Long, Lineage> lineages = new HashMap<>(Map.of(0L, Lineage.of(Map.of())));
      long checkpoint = 0;
      for (long epoch = 1; epoch <= 8; epoch++) {
        long restored = pick(random, referred.keySet());
        if (restored == 0) {
          // A job that starts without state knows nothing of others.
          all.clear();
        }
        Lineage lineage = lineages.get(restored).continuedBy(epoch, restored);
        for (Generation generation : all) {
          assertThat(lineage.isGivenUp(generation))
              .as("%s, restored from %d", generation, restored)
              .isEqualTo(!referred.get(restored).contains(generation));
        }
        Set<Generation> state = new HashSet<>(referred.get(restored));
        long last = restored;
        for (int i = random.nextInt(4); i >= 0; i--) {
          Generation generation = new Generation(epoch, last);
          all.add(generation);
          state.add(generation);
          last = ++checkpoint;
          if (random.nextInt(3) > 0) {
            referred.put(last, Set.copyOf(state));
            lineages.put(last, lineage);
          }
        }
        all.add(new Generation(epoch, last));
      }
    }
  }

  private static long pick(Random random, Set<Long> of) {
    return of.stream().sorted().skip(random.nextInt(of.size())).findFirst().orElseThrow();
  }
}

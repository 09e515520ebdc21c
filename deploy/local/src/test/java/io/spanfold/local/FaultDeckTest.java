package io.spanfold.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FaultDeckTest {

  @Test
  void givesEachFaultAsOftenAsTheListSaysBeforeItBeginsAgain() {
    FaultDeck deck = FaultDeck.parse(Optional.of("wipe:2,stall-redis"), new Random(1));

    for (int round = 0; round < 5; round++) {
      assertThat(draw(deck, 3))
          .containsExactlyInAnyOrder(FaultKind.WIPE, FaultKind.WIPE, FaultKind.STALL_REDIS);
    }
  }

  @Test
  void givesAllFaultsWithoutAListAndTheSameOrderWithTheSameSeed() {
    List<FaultKind> order = draw(FaultDeck.parse(Optional.empty(), new Random(5)), 13);

    assertThat(order).contains(FaultKind.values());
    assertThat(order.stream().filter(kind -> kind == FaultKind.WIPE)).hasSize(2);
    assertThat(draw(FaultDeck.parse(Optional.empty(), new Random(5)), 13)).isEqualTo(order);
  }

  @Test
  void isEmptyWhereNoneAreWanted() {
    assertThat(FaultDeck.parse(Optional.of("none"), new Random(1)).isEmpty()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "fire", "wipe:0", "wipe:x", "wipe,,cut"})
  void refusesAListThatItDoesNotUnderstand(String list) {
    Random random = new Random(1);

    assertThatThrownBy(() -> FaultDeck.parse(Optional.of(list), random))
        .isInstanceOf(UsageException.class);
  }

  private static List<FaultKind> draw(FaultDeck deck, int times) {
    List<FaultKind> drawn = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      drawn.add(deck.draw());
    }
    return drawn;
  }
}

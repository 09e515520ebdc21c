package io.spanfold.local;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * The faults of a run in their order: all of the list, as often as it says, in random order; then
 * all over again in another. Not thread-safe.
 */
final class FaultDeck {

  /** All of them; the one that everything rests on more often. */
  private static final String ALL =
      "taskmanager,jobmanager,broker,redis-replicated,redis-single,wipe:2,stall-redis,"
          + "stall-taskmanager,cut,rescale,phase,checkpoint-directory";

  private static final String NONE = "none";
  private static final int MOST = 100;

  private final List<FaultKind> faults;
  private final Random random;
  private final Deque<FaultKind> next = new ArrayDeque<>();

  private FaultDeck(List<FaultKind> faults, Random random) {
    this.faults = faults;
    this.random = random;
  }

  /**
   * Reads a list such as {@code taskmanager,wipe:2}; {@code none} is no faults at all.
   *
   * @param list empty for all faults
   * @throws UsageException where it is not such a list
   */
  static FaultDeck parse(Optional<String> list, Random random) {
    List<FaultKind> faults = new ArrayList<>();
    String text = list.orElse(ALL);
    if (!text.equals(NONE)) {
      for (String item : text.split(",", -1)) {
        String[] parts = item.strip().split(":", 2);
        FaultKind kind = FaultKind.of(parts[0]);
        faults.addAll(Collections.nCopies(parts.length == 2 ? times(item, parts[1]) : 1, kind));
      }
    }
    return new FaultDeck(faults, random);
  }

  private static int times(String item, String text) {
    int times = text.matches("\\d{1,3}") ? Integer.parseInt(text) : 0;
    if (times < 1 || times > MOST) {
      throw new UsageException(
          "%s in --faults: write name:times, with times from 1 to %d".formatted(item, MOST));
    }
    return times;
  }

  boolean isEmpty() {
    return faults.isEmpty();
  }

  /** Returns the next fault; the list must not be empty. */
  FaultKind draw() {
    if (next.isEmpty()) {
      List<FaultKind> shuffled = new ArrayList<>(faults);
      Collections.shuffle(shuffled, random);
      next.addAll(shuffled);
    }
    return next.remove();
  }
}

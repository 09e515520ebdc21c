package io.spanfold.local.chaos;

import io.spanfold.local.cli.UsageException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * An endless sequence of faults: all faults of a list in random order, each as often as in the
 * list, then all of them in another order, and so on. Not thread-safe.
 */
final class FaultSchedule {

  /** All of them; twice the most important one, and the one of several kinds. */
  private static final String ALL =
      "taskmanager,jobmanager,broker,redis-replicated,redis-single,wipe:2,stall-redis,"
          + "stall-taskmanager,cut,refuse-writes:2,reshard,full,script-flush,rescale,phase,"
          + "checkpoint-directory,open-transaction,slow-clock,old-timestamp,leader-away,retention";

  private static final String NONE = "none";
  private static final int MAX_TIMES = 100;

  private final List<Fault> faults;
  private final Random random;
  private final Deque<Fault> queue = new ArrayDeque<>();

  private FaultSchedule(List<Fault> faults, Random random) {
    this.faults = faults;
    this.random = random;
  }

  /**
   * Parses a list such as {@code taskmanager,wipe:2}, or {@code none} for an empty schedule.
   *
   * @param list empty for all faults
   * @throws UsageException if it is not a valid list
   */
  static FaultSchedule parse(Optional<String> list, Random random) {
    List<Fault> faults = new ArrayList<>();
    String text = list.orElse(ALL);
    if (!text.equals(NONE)) {
      for (String item : text.split(",", -1)) {
        String[] parts = item.strip().split(":", 2);
        Fault fault = Fault.of(parts[0]);
        faults.addAll(Collections.nCopies(parts.length == 2 ? times(item, parts[1]) : 1, fault));
      }
    }
    return new FaultSchedule(faults, random);
  }

  private static int times(String item, String text) {
    int times = text.matches("\\d{1,3}") ? Integer.parseInt(text) : 0;
    if (times < 1 || times > MAX_TIMES) {
      throw new UsageException(
          "%s in --faults: write name:times, with times from 1 to %d".formatted(item, MAX_TIMES));
    }
    return times;
  }

  boolean isEmpty() {
    return faults.isEmpty();
  }

  /** Returns the next fault; the schedule must not be empty. */
  Fault next() {
    if (queue.isEmpty()) {
      List<Fault> shuffled = new ArrayList<>(faults);
      Collections.shuffle(shuffled, random);
      queue.addAll(shuffled);
    }
    return queue.remove();
  }
}

package io.spanfold.testing;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Counts the outcomes of the records of each kind. Not thread-safe. */
public final class HostileTable {

  private final Map<HostileKind, Map<String, Long>> ends = new EnumMap<>(HostileKind.class);

  /** Counts a record that ended there: {@code out}, {@code duplicate} or a reason. */
  public void add(HostileKind kind, String end) {
    ends.computeIfAbsent(kind, k -> new TreeMap<>()).merge(end, 1L, Long::sum);
  }

  /** Returns how many records of all kinds ended there. */
  public long count(String end) {
    return ends.values().stream().mapToLong(counts -> counts.getOrDefault(end, 0L)).sum();
  }

  /** Returns whether there was at least one record of each kind. */
  public boolean hasAllKinds() {
    return ends.size() == HostileKind.values().length;
  }

  @Override
  public String toString() {
    StringBuilder table =
        new StringBuilder("| kind | records | where each ended |\n|---|---|---|\n");
    ends.forEach(
        (kind, counts) ->
            table.append(
                String.format(
                    Locale.ROOT,
                    "| %s | %,d | %s |%n",
                    kind.words(),
                    counts.values().stream().mapToLong(Long::longValue).sum(),
                    String.join(
                        ", ",
                        counts.entrySet().stream()
                            .map(end -> "%s %,d".formatted(end.getKey(), end.getValue()))
                            .toList()))));
    return table.toString();
  }
}

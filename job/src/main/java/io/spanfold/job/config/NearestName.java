package io.spanfold.job.config;

import java.util.Collection;
import java.util.Comparator;

/** Finds the name that somebody most likely meant. */
final class NearestName {

  private NearestName() {}

  /** Returns the one of {@code names} that takes the fewest edits to get to from {@code given}. */
  static String to(String given, Collection<String> names) {
    return names.stream()
        .min(Comparator.comparingInt(name -> distance(given, name)))
        .orElseThrow(() -> new IllegalArgumentException("there are no names to choose from"));
  }

  /** Levenshtein distance: insertions, deletions and replacements each cost one. */
  static int distance(String from, String to) {
    int[] costs = new int[to.length() + 1];
    for (int j = 0; j <= to.length(); j++) {
      costs[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int diagonal = costs[0];
      costs[0] = i;
      for (int j = 1; j <= to.length(); j++) {
        int replaced = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        diagonal = costs[j];
        costs[j] = Math.min(replaced, Math.min(costs[j - 1], costs[j]) + 1);
      }
    }
    return costs[to.length()];
  }
}

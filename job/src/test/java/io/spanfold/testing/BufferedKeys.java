package io.spanfold.testing;

import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Tells the keys of what is buffered from those that outlive it, and end by their TTL. */
public final class BufferedKeys {

  private static final Pattern OUTLIVES =
      Pattern.compile("span-buf:(lease|buckets|check:.*|dict.*|fl:.*)");

  private BufferedKeys() {}

  /** Returns those of {@code keys} that a clean-up removes. */
  public static Set<String> of(Collection<String> keys) {
    Set<String> buffered = new TreeSet<>(keys);
    buffered.removeIf(key -> OUTLIVES.matcher(key).matches());
    return buffered;
  }
}

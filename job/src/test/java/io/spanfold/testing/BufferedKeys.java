package io.spanfold.testing;

import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Tells the keys of what is buffered from those that outlive it, and end by their TTL. */
public final class BufferedKeys {

  private static final Pattern OUTLIVES = Pattern.compile("span-buf:(lease|buckets|dict.*|fl:.*)");

  private static final Pattern LOCK = Pattern.compile("span-buf:fl:.*");
  private static final Pattern SMALL = Pattern.compile("span-buf:p:\\{.*}:(\\d+)\\.\\d+");

  private BufferedKeys() {}

  /**
   * Returns those of {@code keys} that a clean-up removes. Small payloads that an attempt wrote
   * after its last checkpoint are not among them. They are of an epoch before that of the flush
   * locks.
   *
   * @param value returns the value of a key
   */
  public static Set<String> of(Collection<String> keys, UnaryOperator<String> value) {
    long epoch =
        keys.stream()
            .filter(key -> LOCK.matcher(key).matches())
            .map(value)
            .mapToLong(lock -> Long.parseLong(lock.substring(lock.lastIndexOf(':') + 1)))
            .max()
            .orElse(0);
    Set<String> buffered = new TreeSet<>(keys);
    buffered.removeIf(
        key -> {
          Matcher small = SMALL.matcher(key);
          return OUTLIVES.matcher(key).matches()
              || small.matches() && Long.parseLong(small.group(1)) < epoch;
        });
    return buffered;
  }
}

package io.spanfold.job.kafka;

import java.util.Locale;
import java.util.function.Supplier;

/** Runs code of a library that folds case by the default locale although it must not. */
public final class RootLocale {

  private RootLocale() {}

  /**
   * Returns what {@code code} returns. Where the lower case of I is not i, as in Turkish, it runs
   * with another default locale, which other threads of the process see until it returns.
   */
  public static <T> T within(Supplier<T> code) {
    Locale machine = Locale.getDefault();
    if ("I".toLowerCase(machine).equals("i")) {
      return code.get();
    }
    Locale.setDefault(Locale.ROOT);
    try {
      return code.get();
    } finally {
      Locale.setDefault(machine);
    }
  }
}

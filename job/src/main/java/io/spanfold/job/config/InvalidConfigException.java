package io.spanfold.job.config;

import java.util.List;

/** A configuration that cannot work. Names everything that is wrong with it at once. */
public final class InvalidConfigException extends IllegalArgumentException {

  private static final long serialVersionUID = 1L;

  private final List<String> problems;

  InvalidConfigException(List<String> problems) {
    super(message(problems));
    this.problems = List.copyOf(problems);
  }

  /** Returns one sentence or two for each thing that is wrong; never empty, never a secret. */
  public List<String> problems() {
    return problems;
  }

  private static String message(List<String> problems) {
    return problems.size() == 1
        ? problems.get(0)
        : "The configuration has "
            + problems.size()
            + " problems:\n  - "
            + String.join("\n  - ", problems);
  }
}

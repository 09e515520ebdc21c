package io.spanfold.job.preflight;

import java.util.List;

/** Kafka or Redis is not what the job needs. Names everything that is wrong at once. */
public final class UnfitServersException extends IllegalStateException {

  private static final long serialVersionUID = 1L;

  private final List<String> problems;

  UnfitServersException(List<String> problems) {
    super(message(problems));
    this.problems = List.copyOf(problems);
  }

  /** Returns a sentence for each thing that is wrong; never empty, never a secret. */
  public List<String> problems() {
    return problems;
  }

  private static String message(List<String> problems) {
    return problems.size() == 1
        ? problems.get(0)
        : "The servers have "
            + problems.size()
            + " problems:\n  - "
            + String.join("\n  - ", problems);
  }
}

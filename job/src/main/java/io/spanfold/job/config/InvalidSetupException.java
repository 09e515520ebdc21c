package io.spanfold.job.config;

import java.util.List;

/** The options or the servers do not allow the job to start. Lists every problem at once. */
public final class InvalidSetupException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final List<String> problems;

  /**
   * Makes an exception.
   *
   * @param problems at least one; each names what is wrong and the remedy, and shows no secret
   */
  public InvalidSetupException(List<String> problems) {
    this(problems, null);
  }

  /** Like the other constructor; with the cause of the only problem. */
  public InvalidSetupException(List<String> problems, Throwable cause) {
    super(
        problems.size() == 1
            ? problems.get(0)
            : "There are %d problems:\n  - %s"
                .formatted(problems.size(), String.join("\n  - ", problems)),
        cause);
    this.problems = List.copyOf(problems);
  }

  public List<String> problems() {
    return problems;
  }
}

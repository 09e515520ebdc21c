package io.spanfold.job.preflight;

import io.spanfold.job.config.InvalidSetupException;
import java.util.ArrayList;
import java.util.List;

/**
 * The results of the checks. Each is a sentence that names the problem, its place and the remedy,
 * and shows no secret. Not thread-safe.
 */
public final class CheckReport {

  private final List<String> problems = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();

  CheckReport() {}

  /** Adds a problem that prevents the job from working. */
  void problem(String sentence) {
    problems.add(sentence);
  }

  /** Adds a problem that the job can work with, or a check that was not possible. */
  void warning(String sentence) {
    warnings.add(sentence);
  }

  public List<String> problems() {
    return List.copyOf(problems);
  }

  public List<String> warnings() {
    return List.copyOf(warnings);
  }

  /**
   * Does nothing if there are no problems.
   *
   * @throws InvalidSetupException with all problems
   */
  public void refuse() {
    if (!problems.isEmpty()) {
      throw new InvalidSetupException(problems);
    }
  }
}

package io.spanfold.job.preflight;

import io.spanfold.job.config.InvalidSetupException;
import java.util.ArrayList;
import java.util.List;

/**
 * The results of the checks. Each is a sentence that names what is wrong, where, and the remedy,
 * and shows no secret. Not thread-safe.
 */
public final class CheckReport {

  private final List<String> problems = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();

  CheckReport() {}

  /** Adds what prevents the job from working. */
  void problem(String sentence) {
    problems.add(sentence);
  }

  /** Adds what the job can work with, or what could not be checked. */
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

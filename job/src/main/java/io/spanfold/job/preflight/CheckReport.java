package io.spanfold.job.preflight;

import java.util.ArrayList;
import java.util.List;

/**
 * What the checks have found: a sentence each, which names what is wrong, where, and the remedy.
 * None holds a secret. For use by one thread at a time.
 */
public final class CheckReport {

  private final List<String> problems = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();

  CheckReport() {}

  /** Adds what the job cannot work with. */
  void problem(String sentence) {
    problems.add(sentence);
  }

  /** Adds what it can work with, or what could not be found out. */
  void warning(String sentence) {
    warnings.add(sentence);
  }

  /** Returns what the job cannot work with. */
  public List<String> problems() {
    return List.copyOf(problems);
  }

  /** Returns what it can work with, but its operator should know. */
  public List<String> warnings() {
    return List.copyOf(warnings);
  }

  /**
   * Does nothing where there are no problems.
   *
   * @throws UnfitServersException with all problems
   */
  public void refuse() {
    if (!problems.isEmpty()) {
      throw new UnfitServersException(problems);
    }
  }
}

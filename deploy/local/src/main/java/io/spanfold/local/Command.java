package io.spanfold.local;

import java.util.List;

/** One subcommand of {@code deploy/local.sh}. */
public interface Command {

  /** Returns the word that chooses this command; empty for the one that runs without a word. */
  String name();

  /** Returns what {@code --help} says of it: its usage, one line for each option. */
  String help();

  /**
   * Runs to the end; a return is success.
   *
   * @throws FailedRunException where it failed for a reason that is told in a sentence
   */
  void run(List<String> arguments) throws Exception;
}

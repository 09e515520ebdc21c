package io.spanfold.local.cli;

import java.util.List;

/** One subcommand of {@code deploy/local.sh}. */
public interface Command {

  /** Returns the word that selects this command; empty for the default command. */
  String name();

  /** Returns this command's part of {@code --help}: its usage and one line per option. */
  String help();

  /**
   * Runs the command to its end. A normal return is success.
   *
   * @throws UsageException if the arguments are wrong
   * @throws FailedRunException if it failed for a reason that one sentence explains
   */
  void run(List<String> arguments) throws Exception;
}

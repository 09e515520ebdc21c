package io.spanfold.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Collectors;
import org.slf4j.LoggerFactory;

/** What {@code deploy/local.sh} runs: picks the command, and turns its end into an exit code. */
public final class Main {

  private static final int SUCCESS = 0;
  private static final int FAILURE = 1;
  private static final int USAGE = 2;

  private Main() {}

  /** Runs the command that the first argument names, or the demo. */
  public static void main(String[] args) {
    // Exits even where a server has left threads behind.
    System.exit(run(List.of(args)));
  }

  private static int run(List<String> args) {
    if (args.contains("--help") && !args.subList(0, args.indexOf("--help")).contains("--")) {
      System.out.println(help());
      return SUCCESS;
    }
    boolean named = !args.isEmpty() && !args.get(0).startsWith("-");
    String name = named ? args.get(0) : "";
    Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
    try (RunDirectory directory = RunDirectory.create(temporary)) {
      // Whatever a library unpacks goes with the run, and the log is there before the first logger.
      System.setProperty("java.io.tmpdir", directory.path().toString());
      System.setProperty("log.file", directory.log().toString());
      Command command =
          commands(directory).stream()
              .filter(c -> c.name().equals(name))
              .findFirst()
              .orElseThrow(
                  () ->
                      new UsageException(
                          "there is no command " + name + "; --help lists those there are"));
      return run(command, named ? args.subList(1, args.size()) : args, directory, temporary);
    } catch (UsageException e) {
      System.err.println(e.getMessage());
      return USAGE;
    }
  }

  private static List<Command> commands(RunDirectory directory) {
    return List.of(new Demo(directory), new Replay(directory));
  }

  private static String help() {
    return commands(null).stream().map(Command::help).collect(Collectors.joining("\n"));
  }

  private static int run(
      Command command, List<String> arguments, RunDirectory directory, Path temporary) {
    try {
      command.run(arguments);
      return SUCCESS;
    } catch (UsageException e) {
      throw e;
    } catch (FailedRunException e) {
      report(e.getMessage(), e, directory, temporary);
    } catch (Exception e) {
      report(e.toString(), e, directory, temporary);
    }
    return FAILURE;
  }

  private static void report(
      String reason, Exception failure, RunDirectory directory, Path temporary) {
    // After Ctrl-C the servers go away under the command, which then fails in its own way.
    if (!LocalServers.isStopping()) {
      LoggerFactory.getLogger(Main.class).error("the run failed", failure);
      System.err.println("failed: " + reason + keptLog(directory, temporary));
    }
  }

  /** The log of a failed run is what tells more, so it is kept when the run's directory goes. */
  private static String keptLog(RunDirectory directory, Path temporary) {
    Path kept = temporary.resolve("spanfold-local-" + ProcessHandle.current().pid() + ".log");
    try {
      Files.copy(directory.log(), kept, StandardCopyOption.REPLACE_EXISTING);
      return "\nThe log of Kafka and Flink is in " + kept;
    } catch (IOException e) {
      return "";
    }
  }
}

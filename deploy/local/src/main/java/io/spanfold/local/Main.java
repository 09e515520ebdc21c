package io.spanfold.local;

import io.spanfold.local.bench.Bench;
import io.spanfold.local.chaos.Chaos;
import io.spanfold.local.cli.Command;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.cli.UsageException;
import io.spanfold.local.cluster.Cluster;
import io.spanfold.local.demo.Demo;
import io.spanfold.local.hugetraces.HugeTraces;
import io.spanfold.local.inspect.Inspect;
import io.spanfold.local.replay.Replay;
import io.spanfold.local.servers.RunDirectory;
import io.spanfold.local.servers.ServerStack;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.Collectors;
import org.slf4j.LoggerFactory;

/** The main class of {@code deploy/local.sh}: selects a command and returns its exit code. */
public final class Main {

  private static final int SUCCESS = 0;
  private static final int FAILURE = 1;
  private static final int USAGE = 2;

  private Main() {}

  /** Runs the command that the first argument names; without one, the demo. */
  public static void main(String[] args) {
    // Servers may have left non-daemon threads.
    System.exit(run(List.of(args)));
  }

  private static int run(List<String> args) {
    try (RunDirectory directory = RunDirectory.ofStartScript()) {
      // Before the first logger is created: its configuration reads this.
      System.setProperty("log.file", directory.log().toString());
      return run(args, directory);
    } catch (UsageException e) {
      System.err.println(e.getMessage());
      return USAGE;
    } catch (FailedRunException e) {
      System.err.println("failed: " + e.getMessage());
      return FAILURE;
    }
  }

  private static int run(List<String> args, RunDirectory directory) {
    List<Command> commands = commands(directory);
    int jobOptions = args.indexOf("--");
    if ((jobOptions < 0 ? args : args.subList(0, jobOptions)).contains("--help")) {
      System.out.println(commands.stream().map(Command::help).collect(Collectors.joining("\n")));
      return SUCCESS;
    }
    boolean named = !args.isEmpty() && !args.get(0).startsWith("-");
    String name = named ? args.get(0) : "";
    for (Command command : commands) {
      if (command.name().equals(name)) {
        return run(command, named ? args.subList(1, args.size()) : args, directory);
      }
    }
    throw new UsageException("there is no command " + name + "; see --help");
  }

  private static List<Command> commands(RunDirectory directory) {
    return List.of(
        new Demo(directory),
        new Replay(directory),
        new Cluster(directory),
        new Chaos(directory),
        new HugeTraces(directory),
        new Bench(directory),
        new Inspect(directory.path().getParent(), System::getenv, System.out));
  }

  private static int run(Command command, List<String> arguments, RunDirectory directory) {
    try {
      command.run(arguments);
      return SUCCESS;
    } catch (UsageException e) {
      throw e;
    } catch (FailedRunException e) {
      report(e.getMessage(), e, directory);
    } catch (Exception e) {
      report(e.toString(), e, directory);
    }
    return FAILURE;
  }

  private static void report(String reason, Exception failure, RunDirectory directory) {
    // After Ctrl-C the servers stop while the command still uses them: its failure is expected.
    if (!ServerStack.isStopping()) {
      // The log file exists only if servers were started.
      boolean servers = Files.exists(directory.log());
      LoggerFactory.getLogger(Main.class).error("the run failed", failure);
      System.err.println("failed: " + reason + (servers ? keepLogs(directory) : ""));
    }
  }

  private static String keepLogs(RunDirectory directory) {
    try {
      return "\nThe logs are in " + directory.keepLogs();
    } catch (UncheckedIOException e) {
      return "";
    }
  }
}

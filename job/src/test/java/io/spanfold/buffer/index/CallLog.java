package io.spanfold.buffer.index;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisScript;
import java.net.URI;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.resps.Slowlog;

/**
 * Measures each call of a script: the commands that it runs, the CPU time of Redis's main thread,
 * and the time of {@code SLOWLOG}, which also counts the time in which the thread has no core.
 */
final class CallLog implements AutoCloseable {

  private static final Set<String> OF_THE_TEST = Set.of("info", "slowlog", "script", "config");

  private static final Pattern CALLS = Pattern.compile("cmdstat_[a-z|]+:calls=(\\d+)");
  private static final Pattern CPU =
      Pattern.compile("used_cpu_(?:sys|user)_main_thread:(\\d+\\.\\d+)");

  private final Jedis jedis;
  private final Map<String, Script> scripts = new TreeMap<>();
  private final Map<String, String> names = new HashMap<>();

  /** The calls of a script, in their order. */
  static final class Script {
    private final List<Double> cpuMillis = new ArrayList<>();
    private long commands;
    private double slowestMillis;

    /** Returns the most commands of a call. */
    long commands() {
      return commands;
    }

    /** Returns the CPU time of each call, in ms. */
    List<Double> cpuMillis() {
      return cpuMillis;
    }
  }

  /** What Redis has done since its start. */
  private record Work(double commands, double cpuMillis) {}

  private CallLog(URI uri) {
    jedis = new Jedis(uri);
    jedis.configSet("slowlog-log-slower-than", "1000");
    jedis.configSet("slowlog-max-len", "1000000");
    jedis.slowlogReset();
  }

  /** Logs the calls that {@code index} sends from now on. It sends them one by one. */
  static CallLog of(IndexUnderTest index, URI uri) {
    CallLog log = new CallLog(uri);
    var send = index.sender;
    index.sender =
        commands -> {
          List<Object> answers = new ArrayList<>();
          for (RedisCommand<Object> command : commands) {
            log.load(command.script());
            Work before = log.work();
            answers.addAll(send.apply(List.of(command)));
            log.add(command.script(), before, log.work());
          }
          return answers;
        };
    return log;
  }

  private Work work() {
    String info = jedis.info("all");
    return new Work(sum(CALLS, info), sum(CPU, info) * 1_000);
  }

  private static double sum(Pattern pattern, String info) {
    double sum = 0;
    for (Matcher number = pattern.matcher(info); number.find(); ) {
      sum += Double.parseDouble(number.group(1));
    }
    return sum;
  }

  private void load(RedisScript script) {
    if (names.put(new String(script.sha1(), US_ASCII), script.name()) == null) {
      jedis.scriptLoad(script.text());
    }
  }

  private void add(RedisScript script, Work before, Work after) {
    Script of = scripts.computeIfAbsent(script.name(), any -> new Script());
    // Without the INFO, and the call itself.
    of.commands = Math.max(of.commands, Math.round(after.commands - before.commands) - 2);
    of.cpuMillis.add(after.cpuMillis - before.cpuMillis);
  }

  /** Prints the table; returns the calls by script. */
  Map<String, Script> report(String what) {
    double slowestCommand = 0;
    for (Slowlog entry : jedis.slowlogGet(1_000_000)) {
      double millis = entry.getExecutionTime() / 1e3;
      String command = entry.getArgs().get(0).toLowerCase(Locale.ROOT);
      if (command.equals("evalsha")) {
        Script script = scripts.get(names.get(entry.getArgs().get(1)));
        script.slowestMillis = Math.max(script.slowestMillis, millis);
      } else if (!OF_THE_TEST.contains(command)) {
        slowestCommand = Math.max(slowestCommand, millis);
      }
    }
    System.out.printf("%n%-34s %7s %9s %7s %8s%n", what, "calls", "commands", "CPU ms", "slowest");
    scripts.forEach(
        (name, script) ->
            System.out.printf(
                "  %-32s %7d %9d %7.2f %8.2f%n",
                name,
                script.cpuMillis.size(),
                script.commands,
                Collections.max(script.cpuMillis),
                script.slowestMillis));
    System.out.printf("  %-32s %35.2f%n", "a command of a script", slowestCommand);
    return scripts;
  }

  @Override
  public void close() {
    jedis.close();
  }
}

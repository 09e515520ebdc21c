package io.spanfold.buffer.index;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisScript;
import java.net.URI;
import java.util.ArrayList;
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

  private static final double LONGEST_MILLIS = 10;

  /**
   * A call may need up to so much CPU time if it is one of {@link #OUTLIERS}: page faults and cold
   * caches count. A call whose cost grows with the trace needs more.
   */
  private static final double OUTLIER_MILLIS = 40;

  /** Commands of a call. None has more than a few thousand elements. */
  private static final long MOST_COMMANDS = 2_000;

  /**
   * How many calls of a script may be above the limit. Of 1,402 calls of 1 to 4 ms of CPU time, one
   * took 10.7 ms in two of ten runs.
   */
  private static final int OUTLIERS = 3;

  /**
   * The share of calls that may be above the limit in SLOWLOG besides, because another process had
   * the core. With ten busy processes on two cores, 7 of 100 calls were.
   */
  private static final double INTERRUPTED_SHARE = 0.1;

  private static final Set<String> OF_THE_TEST = Set.of("info", "slowlog", "script", "config");

  private static final Pattern CALLS = Pattern.compile("cmdstat_[a-z|]+:calls=(\\d+)");
  private static final Pattern CPU =
      Pattern.compile("used_cpu_(?:sys|user)_main_thread:(\\d+\\.\\d+)");

  private final Jedis jedis;
  private final Map<String, Script> scripts = new TreeMap<>();
  private final Map<String, String> names = new HashMap<>();

  private static final class Script {
    long calls;
    long commands;
    double cpuMillis;
    long expensive;
    double slowestMillis;
    long slow;
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
    of.calls++;
    // Without the INFO, and the call itself.
    of.commands = Math.max(of.commands, Math.round(after.commands - before.commands) - 2);
    double cpuMillis = after.cpuMillis - before.cpuMillis;
    of.cpuMillis = Math.max(of.cpuMillis, cpuMillis);
    of.expensive += cpuMillis > LONGEST_MILLIS ? 1 : 0;
  }

  /** Prints the table; fails if a call was too long. */
  void report(String what) {
    double slowestCommand = 0;
    for (Slowlog entry : jedis.slowlogGet(1_000_000)) {
      double millis = entry.getExecutionTime() / 1e3;
      String command = entry.getArgs().get(0).toLowerCase(Locale.ROOT);
      if (command.equals("evalsha")) {
        Script script = scripts.get(names.get(entry.getArgs().get(1)));
        script.slowestMillis = Math.max(script.slowestMillis, millis);
        script.slow += millis > LONGEST_MILLIS ? 1 : 0;
      } else if (!OF_THE_TEST.contains(command)) {
        slowestCommand = Math.max(slowestCommand, millis);
      }
    }
    System.out.printf(
        "%n%-34s %7s %9s %7s %8s %11s%n",
        what, "calls", "commands", "CPU ms", "slowest", "above 10 ms");
    scripts.forEach(
        (name, script) ->
            System.out.printf(
                "  %-32s %7d %9d %7.2f %8.2f %11d%n",
                name,
                script.calls,
                script.commands,
                script.cpuMillis,
                script.slowestMillis,
                script.slow));
    System.out.printf("  %-32s %35.2f%n", "a command of a script", slowestCommand);
    scripts.forEach(
        (name, script) -> {
          assertThat(script.commands).as(name).isLessThan(MOST_COMMANDS);
          assertThat(script.cpuMillis).as(name).isLessThan(OUTLIER_MILLIS);
          assertThat(script.expensive).as(name).isLessThanOrEqualTo(OUTLIERS);
          assertThat(script.slow)
              .as(name)
              .isLessThanOrEqualTo(OUTLIERS + (long) (INTERRUPTED_SHARE * script.calls));
        });
  }

  @Override
  public void close() {
    jedis.close();
  }
}

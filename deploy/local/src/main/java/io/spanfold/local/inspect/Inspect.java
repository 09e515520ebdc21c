package io.spanfold.local.inspect;

import io.spanfold.buffer.inspect.BufferInUseException;
import io.spanfold.buffer.inspect.BufferInspector;
import io.spanfold.buffer.inspect.BufferedTrace;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Login;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.buffer.redis.RedisUris;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.local.cli.Arguments;
import io.spanfold.local.cli.Command;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.cli.UsageException;
import io.spanfold.local.servers.RunningRedis;
import java.io.IOException;
import java.io.PrintStream;
import java.math.BigInteger;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Shows the contents of a buffer, in total or of one trace, and deletes a buffer whose job is gone.
 */
public final class Inspect implements Command {

  private static final String PASSWORD_VARIABLE = "SPANFOLD_REDIS_PASSWORD";
  private static final int MAX_TTL_HOURS = 100_000;
  private static final int DEFAULT_TTL_HOURS = 24;
  private static final int MAX_OLDEST = 100_000;
  private static final Pattern TRACE =
      Pattern.compile("(?<project>[0-9]{1,19}:)?(?<trace>[0-9a-f]{32})");

  private final Path runs;
  private final UnaryOperator<String> environment;
  private final PrintStream out;

  /**
   * Creates the command.
   *
   * @param runs the parent of all runs' directories
   * @param environment the environment variables
   */
  public Inspect(Path runs, UnaryOperator<String> environment, PrintStream out) {
    this.runs = runs;
    this.environment = environment;
    this.out = out;
  }

  @Override
  public String name() {
    return "inspect";
  }

  @Override
  public String help() {
    return """
    deploy/local.sh inspect [options]
        Shows what the buffer of a running deploy/local.sh holds, or that of any Redis: the job
        that has the lease, the number of buckets, and the keys by node. Scans all keys (SCAN), and changes nothing.
        --trace [PROJECT:]TRACE   shows a trace instead: segments, subsegments, sizes, ages, layouts
        --oldest N                lists the N traces that were written longest ago instead
        --redis-ttl-hours N       the job's redis.ttl, from which ages are computed (%d)
        --redis-uri URI,...       redis:// or rediss:// (TLS; Java's trust store); any node of a cluster
        --redis-username NAME     default: Redis's default user
        --redis-password-file F   its first line is the password; without it, the password is in the
                                  variable %s, if set
        --purge                   shows what --purge --yes deletes: everything that a job has left,
                                  or, with --trace, what it has left of that trace.
                                  Refused while a job has the lease. Only for a job that will not
                                  be restored: it would have to read all payloads from Kafka again.
    """
        .formatted(DEFAULT_TTL_HOURS, PASSWORD_VARIABLE);
  }

  @Override
  public void run(List<String> given) {
    Arguments arguments =
        Arguments.parse(
            given,
            Set.of(
                "trace",
                "oldest",
                "redis-uri",
                "redis-username",
                "redis-password-file",
                "redis-ttl-hours"),
            Set.of("purge", "yes"));
    Optional<String> trace = arguments.text("trace").map(Inspect::traceOf);
    int ttlHours = arguments.number("redis-ttl-hours", DEFAULT_TTL_HOURS, 1, MAX_TTL_HOURS);
    int oldest = arguments.number("oldest", 0, 0, MAX_OLDEST);
    boolean purge = arguments.has("purge");
    boolean yes = arguments.has("yes");
    if (yes && !purge) {
      throw new UsageException("--yes is for --purge only");
    }
    if (oldest > 0 && (purge || trace.isPresent())) {
      throw new UsageException("--oldest lists traces; leave out --trace and --purge");
    }
    try (BufferInspector inspector = BufferInspector.connect(settings(arguments))) {
      if (trace.isPresent()) {
        show(trace.get(), Duration.ofHours(ttlHours), purge && yes, inspector);
      } else if (oldest > 0) {
        BufferReport.traces(inspector.oldestTraces(oldest), Instant.now()).forEach(out::println);
      } else if (purge && yes) {
        purge(inspector);
      } else {
        show(inspector);
      }
    } catch (StoreException e) {
      throw new FailedRunException(e.getMessage(), e);
    }
    if (purge && !yes) {
      out.println("nothing was deleted; --purge --yes deletes this if no job has the lease");
    }
  }

  private void show(BufferInspector inspector) {
    out.println(
        inspector
            .lease()
            .map(holder -> "lease: " + BufferReport.lease(holder))
            .orElse("lease: none; no job uses this buffer"));
    out.println(BufferReport.buckets(inspector.buckets()));
    BufferReport.keys(inspector.countKeys()).forEach(out::println);
  }

  private void show(String trace, Duration redisTtl, boolean purge, BufferInspector inspector) {
    Collection<BufferedTrace> found = purge ? purged(trace, inspector) : inspector.trace(trace);
    if (purge && !found.isEmpty()) {
      out.println("deleted:");
    }
    Instant now = Instant.now();
    found.forEach(each -> BufferReport.trace(each, redisTtl, now).forEach(out::println));
    if (found.isEmpty()) {
      out.println("the buffer holds nothing of trace " + trace);
    }
  }

  private static Collection<BufferedTrace> purged(String trace, BufferInspector inspector) {
    try {
      return inspector.purge(trace);
    } catch (BufferInUseException e) {
      throw inUse(e);
    }
  }

  private void purge(BufferInspector inspector) {
    try {
      List<String> deleted = BufferReport.keys(inspector.purge());
      out.println("deleted:");
      deleted.forEach(out::println);
    } catch (BufferInUseException e) {
      throw inUse(e);
    }
  }

  private static FailedRunException inUse(BufferInUseException e) {
    return new FailedRunException(
        "a job uses this buffer (%s); stop it permanently first, and wait until its lease expires"
            .formatted(BufferReport.lease(e.holder())),
        e);
  }

  private static String traceOf(String text) {
    Matcher matcher = TRACE.matcher(text.replace("-", "").toLowerCase(Locale.ROOT));
    if (!matcher.matches() || isTooLarge(matcher.group("project"))) {
      throw new UsageException(
          "--trace is PROJECT:TRACE or TRACE, with TRACE as 32 hexadecimal digits, not " + text);
    }
    return matcher.group();
  }

  private static boolean isTooLarge(String projectAndColon) {
    return projectAndColon != null
        && new BigInteger(projectAndColon.replace(":", "")).bitLength() >= Long.SIZE;
  }

  private ConnectionSettings settings(Arguments arguments) {
    String uris = arguments.text("redis-uri").orElseGet(() -> RunningRedis.find(runs));
    String password =
        arguments
            .optionalFile("redis-password-file")
            .map(Inspect::firstLine)
            .orElseGet(() -> environment.apply(PASSWORD_VARIABLE));
    Login login = new Login(arguments.text("redis-username").orElse(null), password);
    return new ConnectionSettings(parse(uris), login, null, Timeouts.DEFAULT);
  }

  private static List<URI> parse(String uris) {
    try {
      return RedisUris.parse(uris);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--redis-uri " + e.getMessage());
    }
  }

  /** Messages do not repeat the content: a wrong file may contain another secret. */
  private static String firstLine(Path file) {
    try (var lines = Files.newBufferedReader(file)) {
      String first = lines.readLine();
      if (first != null && !first.isEmpty()) {
        return first;
      }
    } catch (IOException e) {
      throw new FailedRunException("the password file " + file + " cannot be read", e);
    }
    throw new FailedRunException("the first line of the password file " + file + " is empty");
  }
}

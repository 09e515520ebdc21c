package io.spanfold.local.inspect;

import io.spanfold.local.cli.Arguments;
import io.spanfold.local.cli.Command;
import io.spanfold.local.cli.FailedRunException;
import io.spanfold.local.cli.UsageException;
import io.spanfold.local.servers.RunningRedis;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import redis.clients.jedis.exceptions.JedisException;

/** Shows what a buffer holds, in all or of one trace, and deletes one whose job is gone. */
public final class Inspect implements Command {

  private static final String PASSWORD_VARIABLE = "SPANFOLD_REDIS_PASSWORD";
  private static final int DEFAULT_PORT = 6379;
  private static final int MOST_TTL_HOURS = 100_000;
  private static final int DEFAULT_TTL_HOURS = 24;
  private static final Pattern TRACE =
      Pattern.compile("(?<project>[0-9]{1,19}:)?(?<trace>[0-9a-f]{32})");

  private final Path runs;
  private final UnaryOperator<String> environment;
  private final PrintStream out;

  /**
   * Makes the command.
   *
   * @param runs where runs of deploy/local.sh have their directories
   * @param environment asked for the password
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
        Shows what the buffer of a running deploy/local.sh holds, or that of any Redis: who has it,
        and its keys by node. Walks through all keys by SCAN, and changes nothing.
        --trace [PROJECT:]TRACE   shows a trace instead: segments, subsegments, sizes, ages, layouts
        --redis-ttl-hours N       the job's redis.ttl, which ages are told by (%d)
        --redis-uri URI,...       redis:// or rediss:// (TLS; Java's trust store); any node of a cluster
        --redis-username NAME     the default user unless given
        --redis-password-file F   whose first line is the password; else that of the variable
                                  %s, if set
        --purge                   shows what --purge --yes deletes: all that a job which is gone for
                                  good has left. Refused while a job has the lease. Of a job that is
                                  to go on from a savepoint, all payloads would be read from Kafka.
    """
        .formatted(DEFAULT_TTL_HOURS, PASSWORD_VARIABLE);
  }

  @Override
  public void run(List<String> given) {
    Arguments arguments =
        Arguments.parse(
            given,
            Set.of(
                "trace", "redis-uri", "redis-username", "redis-password-file", "redis-ttl-hours"),
            Set.of("purge", "yes"));
    Optional<String> trace = arguments.text("trace").map(Inspect::traceOf);
    int ttlHours = arguments.number("redis-ttl-hours", DEFAULT_TTL_HOURS, 1, MOST_TTL_HOURS);
    boolean purge = arguments.has("purge");
    if (arguments.has("yes") && !purge) {
      throw new UsageException("--yes goes with --purge only");
    }
    if (purge && trace.isPresent()) {
      throw new UsageException("--purge deletes a whole buffer; leave out --trace");
    }
    List<URI> addresses = addresses(arguments.text("redis-uri"));
    String password =
        arguments
            .optionalFile("redis-password-file")
            .map(Inspect::firstLine)
            .orElseGet(() -> environment.apply(PASSWORD_VARIABLE));
    String username = arguments.text("redis-username").orElse(null);
    try (BufferNodes nodes = BufferNodes.connect(addresses, username, password)) {
      if (purge) {
        purge(nodes, arguments.has("yes"));
      } else if (trace.isPresent()) {
        new TraceReader(nodes).lines(trace.get(), Duration.ofHours(ttlHours)).forEach(out::println);
      } else {
        BufferOverview.lines(nodes).forEach(out::println);
      }
    } catch (BufferInUseException e) {
      throw new FailedRunException(e.getMessage(), e);
    } catch (JedisException e) {
      throw new FailedRunException(
          "the Redis at %s cannot be read: %s; see whether address, user, password and rights are right"
              .formatted(addresses, e.getMessage()),
          e);
    }
  }

  private void purge(BufferNodes nodes, boolean delete) {
    if (delete) {
      var deleted = BufferOverview.counts(new Purge(nodes).run());
      out.println("deleted:");
      deleted.forEach(out::println);
      return;
    }
    BufferOverview.lines(nodes).forEach(out::println);
    out.println("nothing was deleted; --purge --yes deletes these keys once nobody has the lease");
  }

  private static String traceOf(String text) {
    Matcher matcher = TRACE.matcher(withoutDashes(text));
    if (!matcher.matches()) {
      throw new UsageException(
          "--trace is PROJECT:TRACE or TRACE, the trace as 32 hexadecimal digits, not " + text);
    }
    return matcher.group();
  }

  private static String withoutDashes(String text) {
    return text.replace("-", "").toLowerCase(Locale.ROOT);
  }

  private List<URI> addresses(Optional<String> given) {
    List<URI> addresses = new ArrayList<>();
    for (String part : given.orElseGet(() -> RunningRedis.find(runs)).split(",", -1)) {
      addresses.add(address(part.strip()));
    }
    if (addresses.stream().map(URI::getScheme).distinct().count() > 1) {
      throw new UsageException("--redis-uri mixes redis:// and rediss://; use one of them");
    }
    return addresses;
  }

  private static URI address(String text) {
    if (text.contains("@")) {
      throw new UsageException(
          "--redis-uri names a user or a password; give --redis-username and"
              + " --redis-password-file instead, where it is not shown");
    }
    Matcher form = Pattern.compile("(rediss?)://([^:/]+|\\[.+])(?::(\\d{1,5}))?/?").matcher(text);
    if (!form.matches()) {
      throw new UsageException(
          "--redis-uri is redis://host:port or rediss://host:port, several separated by commas,"
              + " not "
              + text);
    }
    String port = form.group(3) == null ? String.valueOf(DEFAULT_PORT) : form.group(3);
    return URI.create(form.group(1) + "://" + form.group(2) + ":" + port);
  }

  private static String firstLine(Path file) {
    try (var lines = Files.newBufferedReader(file)) {
      String first = lines.readLine();
      if (first != null && !first.isEmpty()) {
        return first;
      }
    } catch (IOException e) {
      // Without what the file has: a wrong file may be a secret too.
      throw new FailedRunException("the password file " + file + " cannot be read", e);
    }
    throw new FailedRunException("the first line of the password file " + file + " is empty");
  }
}

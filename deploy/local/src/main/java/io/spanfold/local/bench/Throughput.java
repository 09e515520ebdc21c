package io.spanfold.local.bench;

import io.spanfold.embedded.Await;
import io.spanfold.local.bench.Contender.JobTopics;
import io.spanfold.local.bench.Contender.Timeouts;
import io.spanfold.local.bench.FlinkRun.Checkpoint;
import io.spanfold.local.cli.FailedRunException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Measures how fast a job processes a topic that is already full. Each run has its own process of
 * Flink and an empty Redis. The measured window starts when the job has warmed up and emits as much
 * as it reads, and ends before the topic does. For use by one thread.
 */
final class Throughput {

  /** The window ends at this fraction of the topic. */
  private static final double MAX_READ = 0.985;

  private static final Duration STALL = Duration.ofSeconds(90);
  private static final long MONITOR_MILLIS = 700;

  /** From this number of spans, the job trains a dictionary from the first of them. */
  private static final int SPANS_FOR_DICTIONARY = 400_000;

  /** The warm-up ends at this fraction of the topic, so that the rest is left for the window. */
  private static final double MAX_WARM_UP = 0.6;

  /** The window is prolonged at most by this factor, until enough spans were read and emitted. */
  private static final int MAX_PROLONGATION = 4;

  private static final double MEGA = 1e6;

  private final BenchServers servers;
  private final BenchTopics topics;
  private final RedisMeter redis;
  private int numbered;

  Throughput(BenchServers servers, BenchTopics topics) {
    this.servers = servers;
    this.topics = topics;
    this.redis = new RedisMeter(servers.redis());
  }

  /** A filled topic. */
  record Source(String topic, String load, int spans, long bytes) {

    /** Returns the same under another name of the load. */
    Source named(String name) {
      return new Source(topic, name, spans, bytes);
    }
  }

  /**
   * The duration of a measurement.
   *
   * @param warmUp the minimum time before the window; less if much of the topic is read earlier
   * @param maxWarmUp when the window begins although the job is not in its {@link SteadyState}
   * @param warmUpSpans the minimum number of spans before the window
   * @param window the duration of the window
   */
  record Limits(Duration warmUp, Duration maxWarmUp, int warmUpSpans, Duration window) {

    /** Returns the same with another number of spans. */
    Limits withWarmUpSpans(int spans) {
      return new Limits(warmUp, maxWarmUp, spans, window);
    }
  }

  /**
   * Runs and measures a job.
   *
   * @param profile receives a profile of the window; empty for none
   * @throws FailedRunException if the job fails, or the topic is too short for a window
   */
  Result measure(
      Contender contender,
      Source source,
      Timeouts timeouts,
      Limits limits,
      Optional<Path> profile) {
    JobTopics own = newTopics(source.topic());
    redis.clear();
    try (FlinkRun flink =
        FlinkRun.start(
            servers, contender, contender.options(own, servers, timeouts), Optional.empty())) {
      warmUp(flink, contender, source, limits);
      profile.ifPresent(file -> flink.startProfile());
      Moment begin = Moment.now(flink, redis, servers);
      long beginMillis = System.currentTimeMillis();
      awaitWindow(flink, contender, begin, source, limits);
      Moment ended = Moment.now(flink, redis, servers);
      profile.ifPresent(flink::stopProfile);
      Map<String, Double> shares =
          contender.isSpanfold() ? redis.sharesSent(MONITOR_MILLIS) : Map.of();
      flink.checkHealth();
      List<Checkpoint> checkpoints = flink.checkpointsSince(beginMillis - 5_000);
      return result(contender, source, begin, ended, checkpoints, shares);
    } finally {
      delete(own);
    }
  }

  /** Has a job buffer a whole topic, with nothing due, and measures the memory of Redis. */
  Result measureBuffered(Contender contender, Source source) {
    JobTopics own = newTopics(source.topic());
    redis.clear();
    try (FlinkRun flink =
        FlinkRun.start(
            servers,
            contender,
            contender.options(own, servers, Timeouts.NEVER),
            Optional.empty())) {
      // The baseline includes connections, scripts and the dictionary.
      await(
          flink,
          counters ->
              counters.counters().containsKey("spansTracked")
                  && (source.spans() < SPANS_FOR_DICTIONARY
                      || redis.hasDictionary()
                      || counters.counter("spansTracked") >= source.spans() / 2),
          50);
      long[] before = redis.usedMemory();
      List<RedisMeter.Usage> usageBefore = redis.usage();
      long buffered = flink.counters().counter("spansTracked");
      await(flink, counters -> counters.counter("spansTracked") >= source.spans(), 100);
      flink.checkHealth();
      long[] after = redis.usedMemory();
      long sum = 0;
      long max = 0;
      for (int i = 0; i < after.length; i++) {
        long grown = after[i] - before[i];
        sum += grown;
        max = Math.max(max, grown);
      }
      Map<String, Double> figures = new LinkedHashMap<>();
      figures.put(Figures.BYTES_BUFFERED, (double) sum / (source.spans() - buffered));
      figures.put(Figures.BUSIEST_NODE_MEMORY, (double) max / sum);
      figures.put(Figures.BUSIEST_NODE_COMMANDS, busiestByCommands(redis.since(usageBefore)));
      return new Result(contender.label(), source.load(), figures, Map.of());
    } finally {
      delete(own);
    }
  }

  private JobTopics newTopics(String source) {
    JobTopics own = new JobTopics(source, "segments-" + ++numbered);
    topics.create(own.segments());
    topics.create(own.deadLetters());
    topics.create(own.outcomes());
    return own;
  }

  private void delete(JobTopics own) {
    topics.delete(List.of(own.segments(), own.deadLetters(), own.outcomes()));
  }

  private static void warmUp(FlinkRun flink, Contender contender, Source source, Limits limits) {
    await(flink, counters -> counters.counter("spansIn") > 0, 50);
    long begun = System.nanoTime();
    long last = (long) (source.spans() * MAX_WARM_UP);
    SteadyState steady = new SteadyState(contender.writesSegments());
    await(
        flink,
        flink::sample,
        sample -> {
          steady.add(sample);
          long passed = System.nanoTime() - begun;
          long read = sample.counter("spansIn");
          boolean late = passed >= limits.maxWarmUp().toNanos();
          boolean enough =
              read >= last || passed >= limits.warmUp().toNanos() && read >= limits.warmUpSpans();
          boolean flows = !contender.writesSegments() || sample.counter("spansOut") > 0;
          return enough
              && (steady.isReached() || late && flows || read >= last && steady.isBalanced());
        },
        200);
    long read = flink.counters().counter("spansIn");
    if (read > source.spans() * 0.85) {
      throw new FailedRunException(
          "%s had read %,d of %,d spans of %s before the end of the warm-up; the load needs more spans"
              .formatted(contender.label(), read, source.spans(), source.load()));
    }
  }

  /** A job may read nothing for seconds, then much at once; so the window can be prolonged. */
  private static void awaitWindow(
      FlinkRun flink, Contender contender, Moment begin, Source source, Limits limits) {
    long start = System.nanoTime();
    long window = limits.window().toNanos();
    long last = (long) (source.spans() * MAX_READ);
    long before = begin.flink().counter("spansIn");
    long outBefore = begin.flink().counter("spansOut");
    long enough = limits.warmUpSpans() / 2;
    await(
        flink,
        counters -> {
          long passed = System.nanoTime() - start;
          long read = counters.counter("spansIn");
          boolean much =
              read - before >= enough
                  && (!contender.writesSegments()
                      || counters.counter("spansOut") - outBefore >= enough);
          return read >= last
              || passed >= window && much
              || passed >= MAX_PROLONGATION * window && read > before;
        },
        100);
  }

  private interface Condition {
    boolean holds(Sample counters);
  }

  private static void await(FlinkRun flink, Condition condition, long millis) {
    await(flink, flink::counters, condition, millis);
  }

  private static void await(
      FlinkRun flink, Supplier<Sample> samples, Condition condition, long millis) {
    long progressed = System.nanoTime();
    long read = -1;
    for (Sample counters = samples.get(); !condition.holds(counters); counters = samples.get()) {
      long now = counters.counter("spansIn") + counters.counter("spansTracked");
      if (now != read) {
        read = now;
        progressed = System.nanoTime();
      } else if (System.nanoTime() - progressed > STALL.toNanos()) {
        flink.checkHealth();
        throw new FailedRunException("the job makes no progress at %,d spans".formatted(read));
      }
      Await.millis(millis);
    }
  }

  private static Result result(
      Contender contender,
      Source source,
      Moment begin,
      Moment end,
      List<Checkpoint> checkpoints,
      Map<String, Double> shares) {
    double in = end.countedSince(begin, "spansIn");
    double out = end.countedSince(begin, "spansOut");
    // Reading a span is half of the work, emitting it the other half.
    double spans = contender.writesSegments() ? (in + out) / 2 : in;
    double seconds = end.secondsSince(begin);
    Map<String, Double> threads = new TreeMap<>();
    end.flink()
        .threadNanos()
        .forEach(
            (kind, nanos) -> {
              long used = nanos - begin.flink().threadNanos().getOrDefault(kind, 0L);
              threads.put(kind, used / 1e3 / spans);
            });
    Map<String, Double> figures = new LinkedHashMap<>();
    figures.put("windowSeconds", seconds);
    figures.put("windowSpans", spans);
    figures.put(Figures.SPANS_PER_SECOND, spans / seconds);
    figures.put(
        Figures.MEGABYTES_PER_SECOND, spans / seconds * source.bytes() / source.spans() / MEGA);
    figures.putAll(end.cpuSince(begin, spans, contender.isSpanfold()));
    if (contender.writesSegments()) {
      figures.put(Figures.OUT_OVER_IN, out / in);
      figures.put("spansPerMessage", out / Math.max(1, end.countedSince(begin, "messagesOut")));
    }
    if (contender.isSpanfold()) {
      List<RedisMeter.Usage> used = RedisMeter.between(begin.redis(), end.redis());
      addRedis(figures, used, shares, spans);
      for (RedisMeter.Usage node : used) {
        node.micros()
            .forEach(
                (command, micros) ->
                    threads.merge("Redis: " + command, micros / spans, Double::sum));
      }
    }
    figures.putAll(Checkpoint.figures(checkpoints));
    return new Result(contender.label(), source.load(), figures, threads);
  }

  private static double busiestByCommands(List<RedisMeter.Usage> nodes) {
    long max = 0;
    long all = 0;
    for (RedisMeter.Usage node : nodes) {
      max = Math.max(max, node.commands());
      all += node.commands();
    }
    return (double) max / all;
  }

  private static void addRedis(
      Map<String, Double> figures,
      List<RedisMeter.Usage> nodes,
      Map<String, Double> shares,
      double spans) {
    double cpu = 0;
    double busiest = 0;
    double all = 0;
    double sent = 0;
    double scripts = 0;
    for (RedisMeter.Usage node : nodes) {
      cpu += node.cpuNanos();
      busiest = Math.max(busiest, (double) node.cpuNanos());
      for (Map.Entry<String, Long> command : node.calls().entrySet()) {
        boolean script = command.getKey().startsWith("eval");
        all += command.getValue();
        sent += command.getValue() * (script ? 1 : shares.getOrDefault(command.getKey(), 0.0));
        scripts += script ? command.getValue() : 0;
      }
    }
    figures.put(Figures.BUSIEST_NODE, busiest / cpu);
    figures.put(Figures.BUSIEST_NODE_COMMANDS, busiestByCommands(nodes));
    figures.put(Figures.COMMANDS_SENT, sent / spans);
    figures.put(Figures.COMMANDS_ALL, all / spans);
    figures.put(Figures.SCRIPT_CALLS, scripts / spans);
  }
}

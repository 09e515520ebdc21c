package io.spanfold.local.bench;

import io.spanfold.embedded.Await;
import io.spanfold.local.bench.Contender.JobTopics;
import io.spanfold.local.bench.Contender.Timeouts;
import io.spanfold.local.bench.FlinkRun.Checkpoint;
import io.spanfold.local.bench.SegmentReader.Flush;
import io.spanfold.local.bench.load.Load;
import io.spanfold.local.cli.FailedRunException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;

/**
 * Measures Spanfold, or an older build of it, under traffic at its natural pace: the CPU of all
 * processes, the delay from a segment's deadline to its output, the cost of a checkpoint, the Redis
 * memory of a buffered span, and the recovery time after Flink was killed. For use by one thread.
 */
final class LiveRun {

  private static final int MIN_WARM_UP_SECONDS = 20;

  /** Before the first deadline: every span that was read is buffered. */
  private static final int ALL_OPEN_SECONDS = 8;

  private static final int RECOVERY_SECONDS = 90;

  /** The job has caught up if its backlog is at most half a second of traffic. */
  private static final int CAUGHT_UP_SHARE = 2;

  private final BenchServers servers;
  private final BenchTopics topics;
  private final RedisMeter redis;

  LiveRun(BenchServers servers, BenchTopics topics) {
    this.servers = servers;
    this.topics = topics;
    this.redis = new RedisMeter(servers.redis());
  }

  /**
   * The traffic and the duration of a run.
   *
   * @param load makes traffic of a number of spans
   * @param maxWarmUp when the measurement begins although the job is not in its {@link SteadyState}
   * @param seconds of the measurement
   * @param recovery whether Flink is killed then, and the recovery measured
   */
  record Settings(IntFunction<Load> load, Duration maxWarmUp, int seconds, boolean recovery) {

    private Load traffic() {
      long most =
          Math.max(MIN_WARM_UP_SECONDS, maxWarmUp.toSeconds()) + seconds + RECOVERY_SECONDS + 30;
      int perSecond = load.apply(1).spansPerSecond();
      return load.apply((int) most * perSecond);
    }
  }

  /**
   * Warms up and measures.
   *
   * @throws FailedRunException if the job fails or does not recover in time
   */
  Map<String, Double> measure(Contender contender, Settings settings) {
    Load load = settings.traffic();
    String source = "live-" + load.name() + "-" + contender.label();
    JobTopics own = new JobTopics(source, source + "-segments");
    topics.create(own.source());
    topics.createTimed(own.segments());
    topics.create(own.deadLetters());
    topics.create(own.outcomes());
    redis.clear();
    Map<String, Double> figures = new LinkedHashMap<>();
    Map<String, String> options = contender.options(own, servers, Timeouts.STANDARD);
    try (FlinkRun flink = FlinkRun.start(servers, contender, options, Optional.empty())) {
      await(() -> flink.counters().counters().containsKey("spansTracked"), 30, "start");
      long empty = Arrays.stream(redis.usedMemory()).sum();
      try (LiveTraffic traffic = LiveTraffic.start(topics, own.source(), load);
          SegmentReader reader =
              SegmentReader.start(
                  servers.bootstrapServers(),
                  own.segments(),
                  traffic,
                  Timeouts.STANDARD.rootTimeoutMillis())) {
        sleep(ALL_OPEN_SECONDS);
        long before = flink.counters().counter("spansTracked");
        long used = Arrays.stream(redis.usedMemory()).sum() - empty;
        long after = flink.counters().counter("spansTracked");
        figures.put(Figures.BYTES_BUFFERED, used / ((before + after) / 2.0));
        sleep(MIN_WARM_UP_SECONDS - ALL_OPEN_SECONDS);
        awaitSteadyState(flink, settings.maxWarmUp().minusSeconds(MIN_WARM_UP_SECONDS));
        steady(flink, traffic, reader, settings.seconds(), figures);
        if (settings.recovery()) {
          recovery(flink, contender, options, traffic, reader, load, figures);
        }
      }
    } finally {
      topics.delete(List.of(own.source(), own.segments(), own.deadLetters(), own.outcomes()));
    }
    return figures;
  }

  private static void awaitSteadyState(FlinkRun flink, Duration atMost) {
    long end = System.nanoTime() + atMost.toNanos();
    SteadyState steady = new SteadyState(true);
    while (!steady.isReached() && System.nanoTime() < end) {
      Await.millis(500);
      steady.add(flink.sample());
    }
  }

  private void steady(
      FlinkRun flink,
      LiveTraffic traffic,
      SegmentReader reader,
      int seconds,
      Map<String, Double> figures) {
    long fromMillis = System.currentTimeMillis();
    Moment begin = Moment.now(flink, redis, servers);
    long sent = traffic.sent();
    sleep(seconds);
    Moment end = Moment.now(flink, redis, servers);
    double spans = traffic.sent() - sent;
    long toMillis = System.currentTimeMillis();
    figures.put("sentPerSecond", spans / end.secondsSince(begin));
    double cpuNanos = end.flink().cpuNanos() - begin.flink().cpuNanos();
    figures.put("coresOfJob", cpuNanos / 1e9 / end.secondsSince(begin));
    figures.putAll(end.cpuSince(begin, spans, true));
    flink.checkHealth();
    // The last segments are not committed yet.
    sleep(12);
    List<Flush> flushes = reader.flushes(fromMillis, toMillis);
    double[] produced = flushes.stream().mapToDouble(Flush::producedAfter).toArray();
    double[] committed = flushes.stream().mapToDouble(Flush::committedAfter).toArray();
    figures.put("flushesSeen", (double) flushes.size());
    figures.put("producedAfterMillisP50", Figures.quantile(0.5, produced));
    figures.put("producedAfterMillisP99", Figures.quantile(0.99, produced));
    figures.put("committedAfterMillisP50", Figures.quantile(0.5, committed));
    figures.put("committedAfterMillisP99", Figures.quantile(0.99, committed));
    List<Checkpoint> checkpoints = flink.checkpointsSince(fromMillis);
    figures.put("checkpoints", (double) checkpoints.size());
    figures.putAll(Checkpoint.figures(checkpoints));
    figures.put(
        "checkpointMillisMax",
        Figures.quantile(1, checkpoints.stream().mapToDouble(Checkpoint::millis).toArray()));
  }

  private void recovery(
      FlinkRun flink,
      Contender contender,
      Map<String, String> options,
      LiveTraffic traffic,
      SegmentReader reader,
      Load load,
      Map<String, Double> figures) {
    Path checkpoint = flink.newestCheckpoint();
    long killedMillis = System.currentTimeMillis();
    long killed = System.nanoTime();
    flink.kill();
    try (FlinkRun again = FlinkRun.start(servers, contender, options, Optional.of(checkpoint))) {
      await(() -> again.counters().counter("spansIn") > 0, RECOVERY_SECONDS, "read again");
      figures.put("readsAgainAfterSeconds", secondsSince(killed));
      int few = load.spansPerSecond() / CAUGHT_UP_SHARE;
      await(
          () -> again.counters().counter(JobCounters.PENDING) < few && traffic.sent() > 0,
          RECOVERY_SECONDS,
          "catch up");
      figures.put("caughtUpAfterSeconds", secondsSince(killed));
      // Only the new process can commit a segment whose deadline was after the kill.
      await(
          () -> !reader.flushes(killedMillis, Long.MAX_VALUE).isEmpty(),
          RECOVERY_SECONDS,
          "commit again");
      long first =
          reader.flushes(killedMillis, Long.MAX_VALUE).stream()
              .mapToLong(flush -> flush.deadline() + flush.committedAfter())
              .min()
              .orElseThrow();
      figures.put("commitsAgainAfterSeconds", (first - killedMillis) / 1e3);
      again.checkHealth();
    }
  }

  private static double secondsSince(long nanos) {
    return (System.nanoTime() - nanos) / 1e9;
  }

  private static void await(BooleanSupplier condition, int seconds, String what) {
    if (!Await.until(condition, Duration.ofSeconds(seconds))) {
      throw new FailedRunException("the job did not %s in %d s".formatted(what, seconds));
    }
  }

  private static void sleep(int seconds) {
    Await.millis(seconds * 1_000L);
  }
}

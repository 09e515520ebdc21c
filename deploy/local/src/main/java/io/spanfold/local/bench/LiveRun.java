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

/**
 * Measures under traffic at its natural pace: the delay from a segment's deadline to its output,
 * the cost of a checkpoint, the Redis memory of a buffered span, and the recovery time after Flink
 * was killed. For use by one thread.
 */
final class LiveRun {

  private static final int WARM_UP_SECONDS = 20;

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

  /** Runs for {@code seconds} after the warm-up, then kills Flink and waits for the recovery. */
  Map<String, Double> measure(int seconds) {
    Load load = Load.typical((WARM_UP_SECONDS + seconds + RECOVERY_SECONDS + 30) * 10_000);
    JobTopics own = new JobTopics("live", "live-segments");
    topics.create(own.source());
    topics.createTimed(own.segments());
    topics.create(own.deadLetters());
    topics.create(own.outcomes());
    redis.clear();
    Map<String, Double> figures = new LinkedHashMap<>();
    Map<String, String> options = Contender.SPANFOLD.options(own, servers, Timeouts.STANDARD);
    try (FlinkRun flink = FlinkRun.start(servers, Contender.SPANFOLD, options, Optional.empty())) {
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
        sleep(WARM_UP_SECONDS - ALL_OPEN_SECONDS);
        steady(flink, traffic, reader, seconds, figures);
        recovery(flink, options, traffic, reader, load, figures);
      }
    } finally {
      topics.delete(List.of(own.source(), own.segments(), own.deadLetters(), own.outcomes()));
    }
    return figures;
  }

  private void steady(
      FlinkRun flink,
      LiveTraffic traffic,
      SegmentReader reader,
      int seconds,
      Map<String, Double> figures) {
    long fromMillis = System.currentTimeMillis();
    Sample begin = flink.sample();
    long sent = traffic.sent();
    sleep(seconds);
    Sample end = flink.sample();
    long toMillis = System.currentTimeMillis();
    double elapsed = (end.nanos() - begin.nanos()) / 1e9;
    figures.put("sentPerSecond", (traffic.sent() - sent) / elapsed);
    figures.put("coresOfJob", (end.cpuNanos() - begin.cpuNanos()) / 1e9 / elapsed);
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
    List<Checkpoint> checkpoints =
        flink.checkpoints().stream().filter(c -> c.triggeredAt() >= fromMillis).toList();
    figures.put("checkpoints", (double) checkpoints.size());
    double[] millis = checkpoints.stream().mapToDouble(Checkpoint::millis).toArray();
    figures.put(Figures.CHECKPOINT_MILLIS, Figures.median(millis));
    figures.put("checkpointMillisMax", Figures.quantile(1, millis));
    figures.put(
        Figures.CHECKPOINT_MEGABYTES,
        Figures.median(checkpoints.stream().mapToDouble(c -> c.bytes() / 1e6).toArray()));
    figures.put(
        Figures.STATE_MEGABYTES,
        Figures.median(checkpoints.stream().mapToDouble(c -> c.fullBytes() / 1e6).toArray()));
  }

  private void recovery(
      FlinkRun flink,
      Map<String, String> options,
      LiveTraffic traffic,
      SegmentReader reader,
      Load load,
      Map<String, Double> figures) {
    Path checkpoint = flink.newestCheckpoint();
    long killedMillis = System.currentTimeMillis();
    long killed = System.nanoTime();
    flink.kill();
    try (FlinkRun again =
        FlinkRun.start(servers, Contender.SPANFOLD, options, Optional.of(checkpoint))) {
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

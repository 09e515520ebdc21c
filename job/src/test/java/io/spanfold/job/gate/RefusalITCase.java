package io.spanfold.job.gate;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.ConnectionSettings.Timeouts;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushRequest;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.SpanBatch;
import io.spanfold.core.model.StoredTrace;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.Await;
import io.spanfold.job.async.AsyncStageFunction.Task;
import io.spanfold.job.async.AsyncStageFunction.Worker;
import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import io.spanfold.job.flush.FlushFunction;
import io.spanfold.job.flush.FlushSettings;
import io.spanfold.job.gate.RedisGate.State;
import io.spanfold.job.lease.TaskMetrics;
import io.spanfold.job.recovery.PayloadRecoverySettings;
import io.spanfold.job.resource.SharedResource.Share;
import io.spanfold.job.write.WriteFunction;
import io.spanfold.testing.Shares;
import io.spanfold.testing.faults.RefusedWrites;
import io.spanfold.testing.faults.RefusedWrites.Reason;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.TaskInfoImpl;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.core.fs.CloseableRegistry;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.SimpleCounter;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.runtime.state.DefaultOperatorStateBackendBuilder;
import org.apache.flink.runtime.state.StateInitializationContextImpl;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Writes and flushes while a real Redis refuses them for another reason than memory. */
@Timeout(120)
class RefusalITCase {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Shorter than the refusal, so that it is over several times. */
  private static final Timeouts TIMEOUTS =
      new Timeouts(Duration.ofSeconds(2), Duration.ofSeconds(2), Duration.ofMillis(100));

  /** A part without spans: its flush only takes a lock. */
  private static final DuePart NOTHING =
      new DuePart(new TraceKey(1, 1, 1), 1, 0, FlushReason.IDLE, 0, false, List.of());

  private static final TaskInfo TASK = new TaskInfoImpl("test", 1, 0, 1, 0);

  @TempDir Path directory;

  private final Map<String, Counter> counters = new ConcurrentHashMap<>();

  @ParameterizedTest
  @EnumSource
  void theGateClosesAndWhatIsRefusedIsRepeatedWithoutLimit(Reason reason) throws Exception {
    try (RefusedWrites redis = new RefusedWrites(reason, directory)) {
      ConnectionSettings connection = ConnectionSettings.of(redis.uris()).within(TIMEOUTS);
      StoreSettings store = store(connection);
      LeaseSettings lease = LeaseSettings.of(connection, "main");
      RedisGateSettings settings = RedisGateSettings.of(connection, 0.8);
      try (Share<RedisGate> gate = RedisGate.open(settings);
          Worker<SpanBatch, StoredTrace> writer =
              write(store, lease, settings).open(metrics(), TASK);
          Worker<FlushRequest, FlushedPart> flusher = flush(store, lease).open(metrics(), TASK)) {
        assertThat(process(writer, batch(1)).get()).hasSize(1);
        await(() -> gate.get().state() == State.OPEN);

        redis.begin();
        CompletableFuture<List<StoredTrace>> write = process(writer, batch(2));
        CompletableFuture<List<FlushedPart>> flush = process(flusher, NOTHING);
        await(() -> gate.get().state() == State.REFUSING);
        await(() -> count("writesRefused") >= 2 && count("flushesRefused") >= 2);
        assertThat(write).isNotDone();
        assertThat(flush).isNotDone();
        assertThat(flusher.isWaiting()).as("its stage has not stalled").isTrue();

        redis.end();
        assertThat(write.get()).hasSize(1);
        assertThat(flush.get()).hasSize(1);
        assertThat(flusher.isWaiting()).isFalse();
        await(() -> gate.get().state() == State.OPEN);
      }
    }
  }

  private static StoreSettings store(ConnectionSettings connection) {
    return new StoreSettings(
        connection, Duration.ofMinutes(10), 0, false, RolloutPhase.DISTRIBUTED, Buckets.DEFAULT);
  }

  private static WriteFunction write(
      StoreSettings store, LeaseSettings lease, RedisGateSettings gate) throws Exception {
    WriteFunction function = new WriteFunction(store, lease, gate);
    OperatorStateStore state =
        new DefaultOperatorStateBackendBuilder(
                RefusalITCase.class.getClassLoader(),
                new ExecutionConfig(),
                false,
                List.of(),
                new CloseableRegistry())
            .build();
    function.initializeState(new StateInitializationContextImpl(null, state, null, null, null));
    return function;
  }

  private static FlushFunction flush(StoreSettings store, LeaseSettings lease) {
    KafkaSettings unused = new KafkaSettings("localhost:1", Map.of());
    FlushSettings settings =
        new FlushSettings(
            store,
            lease,
            Duration.ofMinutes(5),
            new PayloadRecoverySettings(unused, "spans", Duration.ofSeconds(1)));
    return new FlushFunction(settings, 500_000, Clock.systemUTC());
  }

  private static SpanBatch batch(int number) {
    Shares.Part part =
        new Shares.Part(number, 1, true, new long[] {number}, new byte[Shares.leastBytes(1)]);
    return new SpanBatch(List.of(Shares.of(new TraceKey(1, 1, number), 2, List.of(part))));
  }

  /** Has {@code worker} process {@code input} in a thread of its own. */
  private static <I, O> CompletableFuture<List<O>> process(Worker<I, O> worker, I input) {
    CompletableFuture<List<O>> results = new CompletableFuture<>();
    Task<I, O> task =
        new Task<>() {
          @Override
          public I input() {
            return input;
          }

          @Override
          public void replace(I same) {}

          @Override
          public void complete(List<O> all) {
            results.complete(all);
          }
        };
    Thread thread =
        new Thread(
            () -> {
              try {
                worker.process(List.of(task));
              } catch (Throwable e) {
                results.completeExceptionally(e);
              }
            });
    thread.setDaemon(true);
    thread.start();
    return results;
  }

  private long count(String counter) {
    return counters.get(counter).getCount();
  }

  /** Returns the metrics of a task, whose counters this test sees. */
  private MetricGroup metrics() {
    MetricGroup task = TaskMetrics.of("job", "a", 0);
    return new UnregisteredMetricsGroup() {
      @Override
      public Counter counter(String name) {
        return counters.computeIfAbsent(name, unused -> new SimpleCounter());
      }

      @Override
      public Map<String, String> getAllVariables() {
        return task.getAllVariables();
      }
    };
  }

  private static void await(BooleanSupplier condition) {
    assertThat(Await.until(condition, PATIENCE)).isTrue();
  }
}

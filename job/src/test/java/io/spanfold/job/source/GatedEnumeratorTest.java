package io.spanfold.job.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.job.adopt.AdoptionOver;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.BiConsumer;
import org.apache.flink.api.connector.source.ReaderInfo;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.connector.kafka.source.enumerator.KafkaSourceEnumState;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.TimeoutException;
import org.junit.jupiter.api.Test;

class GatedEnumeratorTest {

  private static final SourceTopic TOPIC = new SourceTopic("ingest-spans", new Properties());
  private static final Uuid READ = new Uuid(1, 2);

  private final List<String> calls = new ArrayList<>();
  private final CoordinatorContext context = new CoordinatorContext(coordinator());

  /** Completes the discovery that the wrapped enumerator has begun. */
  private Runnable discovery = () -> {};

  /** Answers the question for the topic's id. */
  private BiConsumer<Object, Throwable> topicId;

  @Test
  void startsOnceWhenTheAdoptionIsComplete() {
    GatedEnumerator enumerator = enumerator(true, false);
    enumerator.start();
    enumerator.addReader(0);
    assertThat(calls).containsExactly("reader 0");
    enumerator.handleSourceEvent(0, new AdoptionOver());
    enumerator.handleSourceEvent(0, new AdoptionOver());
    assertThat(calls).containsExactly("reader 0", "start");
  }

  /** Before, a reader may still get partitions, and must hold the others back. */
  @Test
  void answersWithTheHighestClockOnceAllPartitionsAreAssigned() {
    GatedEnumerator enumerator = enumerator(false, false);
    enumerator.start();
    enumerator.handleSourceEvent(0, new ClockReport(7_000));
    assertThat(calls).containsExactly("start");
    discovery.run();
    enumerator.handleSourceEvent(1, new ClockReport(5_000));
    enumerator.handleSourceEvent(0, new ClockReport(8_000));
    assertThat(calls)
        .containsExactly("start", "to 1: ClockReport[time=7000]", "to 0: ClockReport[time=8000]");
  }

  @Test
  void doesNotAnswerAReaderThatIsGone() {
    GatedEnumerator enumerator = enumerator(false, false);
    enumerator.start();
    discovery.run();
    enumerator.handleSourceEvent(2, new ClockReport(5_000));
    assertThat(calls).containsExactly("start");
  }

  /** Connector 5.0.0-2.2 leaves the signal out after a restore. */
  @Test
  void signalsTheEndOfABoundedSourceOnceToEachReader() {
    GatedEnumerator enumerator = enumerator(false, true);
    enumerator.start();
    discovery.run();
    enumerator.addReader(1);
    assertThat(calls.subList(0, 3)).containsExactlyInAnyOrder("start", "end of 0", "end of 1");
    assertThat(calls.subList(3, 5)).containsExactly("reader 1", "end of 1");
    assertThat(calls).hasSize(5);
  }

  /** Its offsets are others: what is read there would be wrong without a sign of it. */
  @Test
  void refusesToContinueWithATopicThatWasMadeAnew() {
    GatedEnumerator enumerator = enumerator(false, false);
    enumerator.start();
    assertThatThrownBy(() -> topicId.accept(new Uuid(3, 4), null))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("source.topic (ingest-spans) was deleted and made anew");
  }

  @Test
  void keepsTheIdOfTheTopicThatItReads() throws Exception {
    GatedEnumerator enumerator =
        new GatedEnumerator(new Recorded(), context, TOPIC, Uuid.ZERO_UUID, false, false);
    enumerator.start();
    topicId.accept(null, new TimeoutException());
    assertThat(enumerator.snapshotState(1).topicId()).isEqualTo(Uuid.ZERO_UUID);
    topicId.accept(READ, null);
    assertThat(enumerator.snapshotState(2).topicId()).isEqualTo(READ);
  }

  @Test
  void refusesToContinueWithAnotherTopic() {
    KafkaSourceEnumState state =
        new KafkaSourceEnumState(
            Set.of(new KafkaPartitionSplit(new TopicPartition("spans", 0), 5)), Set.of(), true);
    assertThatThrownBy(() -> TOPIC.check(state))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("read the topic spans, but source.topic is ingest-spans");
  }

  private GatedEnumerator enumerator(boolean waitsForAdoption, boolean ends) {
    return new GatedEnumerator(new Recorded(), context, TOPIC, READ, waitsForAdoption, ends);
  }

  @SuppressWarnings("unchecked")
  private SplitEnumeratorContext<ClockedSplit> coordinator() {
    return (SplitEnumeratorContext<ClockedSplit>)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {SplitEnumeratorContext.class},
            (proxy, method, arguments) -> {
              switch (method.getName()) {
                case "callAsync" -> {
                  Callable<Object> call = (Callable<Object>) arguments[0];
                  BiConsumer<Object, Throwable> handler =
                      (BiConsumer<Object, Throwable>) arguments[1];
                  if (topicId == null) {
                    topicId = handler;
                  } else {
                    discovery = () -> handler.accept(answer(call), null);
                  }
                }
                case "registeredReaders" -> {
                  ReaderInfo reader = new ReaderInfo(0, "here");
                  return Map.of(0, reader, 1, reader);
                }
                case "sendEventToSourceReader" ->
                    calls.add("to " + arguments[0] + ": " + arguments[1]);
                case "signalNoMoreSplits" -> calls.add("end of " + arguments[0]);
                default -> throw new UnsupportedOperationException(method.getName());
              }
              return null;
            });
  }

  private static Object answer(Callable<Object> call) {
    try {
      return call.call();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** The enumerator of Kafka's source; it looks for partitions once. */
  private final class Recorded
      implements SplitEnumerator<KafkaPartitionSplit, KafkaSourceEnumState> {

    @Override
    public void start() {
      calls.add("start");
      context.callAsync(Set::of, (partitions, failure) -> {});
    }

    @Override
    public void handleSplitRequest(int subtask, String host) {}

    @Override
    public void handleSourceEvent(int subtask, SourceEvent event) {}

    @Override
    public void addSplitsBack(List<KafkaPartitionSplit> splits, int subtask) {}

    @Override
    public void addReader(int subtask) {
      calls.add("reader " + subtask);
    }

    @Override
    public KafkaSourceEnumState snapshotState(long checkpointId) {
      return new KafkaSourceEnumState(Set.of(), Set.of(), false);
    }

    @Override
    public void close() {}
  }
}

package io.spanfold.job.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.job.adopt.AdoptionOver;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.junit.jupiter.api.Test;

class DeferredEnumeratorTest {

  private final List<String> calls = new ArrayList<>();
  private final DeferredEnumerator<KafkaPartitionSplit, String> holding =
      new DeferredEnumerator<>(new Recorded());

  @Test
  void startsOnceWhenTheAdoptionIsComplete() {
    holding.start();
    holding.addReader(0);
    assertThat(calls).containsExactly("reader 0");
    holding.handleSourceEvent(0, new AdoptionOver());
    holding.handleSourceEvent(0, new AdoptionOver());
    assertThat(calls).containsExactly("reader 0", "start");
  }

  @Test
  void forwardsAllOtherCalls() throws Exception {
    holding.handleSourceEvent(1, new SourceEvent() {});
    assertThat(holding.snapshotState(7)).isEqualTo("state of 7");
    holding.close();
    assertThat(calls).containsExactly("event of 1", "close");
  }

  private final class Recorded implements SplitEnumerator<KafkaPartitionSplit, String> {

    @Override
    public void start() {
      calls.add("start");
    }

    @Override
    public void handleSplitRequest(int subtask, String host) {
      calls.add("request of " + subtask);
    }

    @Override
    public void handleSourceEvent(int subtask, SourceEvent event) {
      calls.add("event of " + subtask);
    }

    @Override
    public void addSplitsBack(List<KafkaPartitionSplit> splits, int subtask) {
      calls.add("back of " + subtask);
    }

    @Override
    public void addReader(int subtask) {
      calls.add("reader " + subtask);
    }

    @Override
    public String snapshotState(long checkpointId) {
      return "state of " + checkpointId;
    }

    @Override
    public void close() {
      calls.add("close");
    }
  }
}

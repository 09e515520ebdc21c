package io.spanfold.job.sink;

import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import java.io.IOException;
import java.io.Serializable;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.api.connector.sink2.Committer.CommitRequest;
import org.apache.flink.api.connector.sink2.CommitterInitContext;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.api.connector.sink2.SupportsCommitter;
import org.apache.flink.api.connector.sink2.SupportsWriterState;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.kafka.sink.KafkaWriterState;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.connector.sink2.CommittableMessage;
import org.apache.flink.streaming.api.connector.sink2.SupportsPostCommitTopology;
import org.apache.flink.streaming.api.datastream.DataStream;

/** The sink under test, with faults before and after its commits. */
record FaultySink(RecoverableKafkaSink<FlushedPart, Receipt> sink, Fault before, Fault after)
    implements Sink<FlushedPart>,
        SupportsCommitter<TransactionCommittable<Receipt>>,
        SupportsWriterState<FlushedPart, KafkaWriterState>,
        SupportsPostCommitTopology<TransactionCommittable<Receipt>> {

  /** The faults. They get the requests with parts. */
  @FunctionalInterface
  interface Fault extends Serializable {
    void accept(Collection<CommitRequest<TransactionCommittable<Receipt>>> requests)
        throws IOException;
  }

  @Override
  public SinkWriter<FlushedPart> createWriter(WriterInitContext context) throws IOException {
    return sink.createWriter(context);
  }

  @Override
  public StatefulSinkWriter<FlushedPart, KafkaWriterState> restoreWriter(
      WriterInitContext context, Collection<KafkaWriterState> states) throws IOException {
    return sink.restoreWriter(context, states);
  }

  @Override
  public SimpleVersionedSerializer<KafkaWriterState> getWriterStateSerializer() {
    return sink.getWriterStateSerializer();
  }

  @Override
  public SimpleVersionedSerializer<TransactionCommittable<Receipt>> getCommittableSerializer() {
    return sink.getCommittableSerializer();
  }

  @Override
  public void addPostCommitTopology(
      DataStream<CommittableMessage<TransactionCommittable<Receipt>>> committed) {
    sink.addPostCommitTopology(committed);
  }

  @Override
  public Committer<TransactionCommittable<Receipt>> createCommitter(CommitterInitContext context)
      throws IOException {
    Committer<TransactionCommittable<Receipt>> committer = sink.createCommitter(context);
    return new FaultyCommitter(committer, before, after);
  }

  @SuppressWarnings("try") // as Committer itself
  private record FaultyCommitter(
      Committer<TransactionCommittable<Receipt>> committer, Fault before, Fault after)
      implements Committer<TransactionCommittable<Receipt>> {
    @Override
    public void commit(Collection<CommitRequest<TransactionCommittable<Receipt>>> requests)
        throws IOException, InterruptedException {
      // A checkpoint in which nothing was written may commit pending clean-ups only.
      List<CommitRequest<TransactionCommittable<Receipt>>> written =
          requests.stream().filter(each -> !each.getCommittable().items().isEmpty()).toList();
      if (!written.isEmpty()) {
        before.accept(written);
      }
      committer.commit(requests);
      if (!written.isEmpty()) {
        after.accept(written);
      }
    }

    @Override
    public void close() throws Exception {
      committer.close();
    }
  }
}

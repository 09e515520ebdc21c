package io.spanfold.job.sink;

import java.util.Collection;
import java.util.List;
import org.apache.flink.api.connector.sink2.CommittingSinkWriter;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;

/**
 * A writer for where nothing will come, so that nothing is asked of the broker: it has no producer
 * and no transactions.
 *
 * @param <E> an element
 * @param <T> what names it
 * @param <S> what a writer leaves in a checkpoint
 */
final class IdleWriter<E, T, S>
    implements StatefulSinkWriter<E, S>, CommittingSinkWriter<E, TransactionCommittable<T>> {

  @Override
  public void write(E element, Context context) {
    throw new IllegalStateException("Nothing was to be written here, yet this came: " + element);
  }

  @Override
  public void flush(boolean endOfInput) {}

  @Override
  public Collection<TransactionCommittable<T>> prepareCommit() {
    return List.of();
  }

  @Override
  public List<S> snapshotState(long checkpointId) {
    return List.of();
  }

  @Override
  public void close() {}
}

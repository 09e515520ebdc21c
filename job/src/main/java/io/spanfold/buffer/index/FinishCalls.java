package io.spanfold.buffer.index;

import static io.spanfold.buffer.redis.RedisKeys.ascii;

import io.spanfold.buffer.index.FinishCall.FlushedTrace;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.TraceKey;
import java.util.ArrayList;
import java.util.List;

/** Gathers flushed traces into calls of bounded size, each trace at most once a call. */
final class FinishCalls {

  private final List<byte[]> keys;
  private final LockOwner owner;
  private final List<FinishCall> calls = new ArrayList<>();

  private List<byte[]> arguments;
  private List<FlushedTrace> traces;
  private int ids;

  FinishCalls(List<byte[]> keys, LockOwner owner) {
    this.keys = keys;
    this.owner = owner;
  }

  void add(TraceKey trace, List<Receipt> receipts) {
    List<ReceiptPiece> pieces = ReceiptPiece.cut(receipts, IndexScripts.MAX_IDS);
    for (ReceiptPiece piece : pieces) {
      if (traces == null
          || traces.size() == IndexScripts.MAX_TRACES
          || ids + piece.ids() > IndexScripts.MAX_IDS
          || pieces.size() > 1) {
        close();
        arguments = new ArrayList<>();
        arguments.add(ascii(owner.job()));
        arguments.add(ascii(Long.toString(owner.epoch())));
        traces = new ArrayList<>();
        ids = 0;
      }
      arguments.add(TraceField.of(trace));
      arguments.add(piece.encoded());
      traces.add(piece.flushed());
      ids += piece.ids();
    }
  }

  /** Returns the calls; to be called once, at the end. */
  List<FinishCall> all() {
    close();
    return calls;
  }

  private void close() {
    if (traces != null) {
      calls.add(
          new FinishCall(RedisCommand.call(IndexScripts.FINISH_FLUSH, keys, arguments), traces));
      traces = null;
    }
  }
}

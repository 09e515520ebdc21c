package io.spanfold.buffer.index;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.Subsegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A call that removes flushed subsegments from packed records.
 *
 * @param command the call; repeatable
 * @param traces the traces of the call, in its order
 */
public record FinishCall(RedisCommand<Object> command, List<FlushedTrace> traces) {

  static final byte[] REFUSED = "refused".getBytes(US_ASCII);

  private static final byte[] LARGE = "large".getBytes(US_ASCII);

  private static final byte FREE = '1';

  /**
   * What is flushed of a trace.
   *
   * @param receipts the receipts that name it
   * @param subsegments those that are to be removed, in the order of the call
   */
  record FlushedTrace(List<Receipt> receipts, List<Subsegment> subsegments) {

    /** Adds the payloads of which {@code answer}, a digit a subsegment, says that they are free. */
    void addFree(byte[] answer, List<SmallPayload> free) {
      SmallPayload last = null;
      for (int i = 0; i < answer.length; i++) {
        SmallPayload small = subsegments.get(i).small();
        // Neighbours often share a payload; a repeat among others does no harm.
        if (answer[i] == FREE && small != null && (last == null || !small.sharesPayload(last))) {
          free.add(small);
          last = small;
        }
      }
    }
  }

  /** Returns what the call has done. */
  public Finished finished(Object answer) {
    if (!(answer instanceof List<?> answers)) {
      return Finished.REFUSED;
    }
    List<SmallPayload> free = new ArrayList<>();
    List<Receipt> large = new ArrayList<>();
    for (int i = 0; i < answers.size(); i++) {
      byte[] each = (byte[]) answers.get(i);
      if (each.length == LARGE.length && each[0] == LARGE[0]) {
        large.addAll(traces.get(i).receipts());
      } else {
        traces.get(i).addFree(each, free);
      }
    }
    return new Finished(false, free, large);
  }
}

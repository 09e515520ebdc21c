package io.spanfold.buffer;

import static io.spanfold.buffer.redis.RedisKeys.ascii;

import io.spanfold.buffer.layout.MergedLayout;
import io.spanfold.buffer.layout.SmallLayout;
import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.lease.LockState;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisScript;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Calls of the scripts that keep the index. The README next to the scripts explains them. */
final class IndexScripts {

  static final RedisScript ADD_SUBSEGMENTS = RedisScript.load("add-subsegments.lua");
  static final RedisScript FINISH_FLUSH = RedisScript.load("finish-flush.lua");
  static final RedisScript LOCK_FLUSH = RedisScript.load("lock-flush.lua");

  private static final int ID_DIGITS = 16;
  private static final byte[] YES = {'1'};
  private static final byte[] NO = {'0'};
  private static final byte[] NOTHING = {};

  /** The layouts whose payloads the scripts write and remove. */
  private static final int FILED = MergedLayout.BIT | SmallLayout.BIT;

  private final byte[] ttlSeconds;

  IndexScripts(Duration ttl) {
    this.ttlSeconds = ascii(Long.toString(ttl.toSeconds()));
  }

  /**
   * Returns the call that adds {@code subsegments} of one trace to the index.
   *
   * @param payloads their payloads in stored form
   * @param layouts the bits of the layouts to write; distributed payloads are not sent
   */
  RedisCommand<Object> addSubsegments(
      TraceKey trace, List<UnstoredSubsegment> subsegments, List<byte[]> payloads, int layouts) {
    boolean filed = (layouts & FILED) != 0;
    List<byte[]> arguments = new ArrayList<>(2 + 6 * subsegments.size());
    arguments.add(ttlSeconds);
    arguments.add(filed(layouts));
    for (int i = 0; i < subsegments.size(); i++) {
      UnstoredSubsegment unstored = subsegments.get(i);
      Subsegment subsegment = unstored.subsegment();
      arguments.add(ascii(Hex.id(subsegment.id())));
      arguments.add(ascii(Hex.id(subsegment.parentId())));
      arguments.add(subsegment.root() ? YES : NO);
      arguments.add(ascii(Long.toString(subsegment.recordBytes())));
      arguments.add(packed(unstored.spanIds()));
      arguments.add(filed ? payloads.get(i) : NOTHING);
    }
    return RedisCommand.call(ADD_SUBSEGMENTS, ascii(RedisKeys.index(trace)), arguments);
  }

  /**
   * Returns the call that removes a flushed part from the index.
   *
   * @param receipt the receipt of the part
   * @param lockOwner releases its flush lock; as the lock holds it, or empty for none
   */
  RedisCommand<Object> finishFlush(FlushedPart.Receipt receipt, String lockOwner) {
    List<Subsegment> subsegments = receipt.subsegments();
    List<byte[]> arguments = new ArrayList<>(4 + 3 * subsegments.size());
    arguments.add(ascii(Hex.id(receipt.segmentId())));
    arguments.add(ascii(lockOwner));
    arguments.add(packed(receipt.spanIds()));
    int layouts = 0;
    for (Subsegment subsegment : subsegments) {
      layouts |= subsegment.layouts();
    }
    arguments.add(filed(layouts));
    for (Subsegment subsegment : subsegments) {
      arguments.add(ascii(Hex.id(subsegment.id())));
      arguments.add(ascii(Integer.toString(subsegment.spanCount())));
      arguments.add(ascii(Long.toString(subsegment.recordBytes())));
    }
    return RedisCommand.call(FINISH_FLUSH, ascii(RedisKeys.index(receipt.trace())), arguments);
  }

  /** Returns the call that takes a segment's flush lock; answers a {@link LockState}. */
  RedisCommand<Object> lockFlush(TraceKey trace, long segment, LockOwner owner, Duration ttl) {
    List<byte[]> arguments =
        List.of(
            ascii(owner.job()),
            ascii(Long.toString(owner.epoch())),
            ascii(Long.toString(ttl.toMillis())));
    return RedisCommand.call(LOCK_FLUSH, ascii(RedisKeys.flushLock(trace, segment)), arguments);
  }

  private static byte[] filed(int layouts) {
    return new byte[] {(byte) ('0' + (layouts & FILED))};
  }

  private static byte[] packed(long[] ids) {
    byte[] packed = new byte[Math.multiplyExact(ids.length, ID_DIGITS)];
    for (int i = 0; i < ids.length; i++) {
      Hex.write(ids[i], packed, i * ID_DIGITS);
    }
    return packed;
  }
}

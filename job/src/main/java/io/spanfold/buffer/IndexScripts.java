package io.spanfold.buffer;

import static io.spanfold.buffer.redis.RedisKeys.ascii;
import static java.nio.charset.StandardCharsets.US_ASCII;

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

/** The scripts' calls: arguments and answers as types. The README beside the scripts explains. */
final class IndexScripts {

  static final RedisScript ADD_SUBSEGMENTS = RedisScript.load("add-subsegments.lua");
  static final RedisScript FINISH_FLUSH = RedisScript.load("finish-flush.lua");
  static final RedisScript LOCK_FLUSH = RedisScript.load("lock-flush.lua");

  private static final int ID_DIGITS = 16;
  private static final byte[] DIGITS = "0123456789abcdef".getBytes(US_ASCII);
  private static final byte[] YES = {'1'};
  private static final byte[] NO = {'0'};
  private static final byte[] NOTHING = {};

  /** The layouts whose payloads the scripts file and remove. */
  private static final int FILED = MergedLayout.BIT | SmallLayout.BIT;

  private final byte[] ttlSeconds;

  IndexScripts(Duration ttl) {
    this.ttlSeconds = ascii(Long.toString(ttl.toSeconds()));
  }

  /**
   * Where the index files a subsegment.
   *
   * @param root the segment's id
   * @param hasRoot whether that is known to be a segment root's
   */
  record IndexedSubsegment(long root, boolean hasRoot) {}

  /**
   * Returns the call that adds {@code subsegments} of one trace to the index.
   *
   * @param payloads their payloads as they are stored
   * @param layouts the bits of the layouts that are written; of those that are not filed along with
   *     the index nothing is sent
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

  /** Reads the answer to {@link #addSubsegments}: one a subsegment, in their order. */
  static List<IndexedSubsegment> indexed(Object answer) {
    List<?> fields = (List<?>) answer;
    List<IndexedSubsegment> indexed = new ArrayList<>(fields.size() / 2);
    for (int i = 0; i < fields.size(); i += 2) {
      long root = Hex.parseId(new String((byte[]) fields.get(i), US_ASCII));
      indexed.add(new IndexedSubsegment(root, (Long) fields.get(i + 1) == 1));
    }
    return indexed;
  }

  /**
   * Returns the call that removes a flushed part from the index.
   *
   * @param receipt what was flushed
   * @param lockOwner who releases its flush lock, as the lock holds it; empty for nobody
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

  /** Returns the call that takes a segment's flush lock; {@link LockState} reads its answer. */
  RedisCommand<Object> lockFlush(TraceKey trace, long segment, LockOwner owner, Duration ttl) {
    List<byte[]> arguments =
        List.of(
            ascii(owner.job()),
            ascii(Long.toString(owner.epoch())),
            ascii(Long.toString(ttl.toMillis())));
    return RedisCommand.call(LOCK_FLUSH, ascii(RedisKeys.flushLock(trace, segment)), arguments);
  }

  /** Reads the answer to {@link #finishFlush}: how many subsegments were removed. */
  static long removed(Object answer) {
    return (Long) answer;
  }

  private static byte[] filed(int layouts) {
    return new byte[] {(byte) ('0' + (layouts & FILED))};
  }

  private static byte[] packed(long[] ids) {
    byte[] packed = new byte[Math.multiplyExact(ids.length, ID_DIGITS)];
    int at = 0;
    for (long id : ids) {
      for (int shift = Long.SIZE - 4; shift >= 0; shift -= 4) {
        packed[at++] = DIGITS[(int) (id >>> shift) & 0xF];
      }
    }
    return packed;
  }
}

package io.spanfold.buffer.index;

import static io.spanfold.buffer.redis.RedisKeys.ascii;

import io.spanfold.buffer.lease.LockOwner;
import io.spanfold.buffer.lease.LockState;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisScript;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.TraceKey;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes the calls of the scripts that keep the index. A call about a trace of any size blocks a
 * node for less than 10 ms. The README next to the scripts explains them. Thread-safe.
 */
public final class IndexScripts {

  static final RedisScript ADD_SUBSEGMENTS = RedisScript.load("add-subsegments.lua");
  static final RedisScript FINISH_FLUSH = RedisScript.load("finish-flush.lua");
  static final RedisScript LOCK_FLUSH = RedisScript.load("lock-flush.lua");

  /** The most traces of a call. */
  static final int MAX_TRACES = 250;

  /** The most ids of a call, of spans and subsegments together. */
  static final int MAX_IDS = 4_000;

  /** The same for calls about a large trace, which take longer for each. */
  static final int MAX_LARGE_IDS = 200;

  private static final byte[] YES = {'1'};
  private static final byte[] NO = {'0'};
  private static final long[] NO_SEGMENTS = {};

  private final BucketTags tags;
  private final byte[] ttlSeconds;
  private final InstantSource clock;

  /**
   * @param ttl lifetime of a key, and of a record, after its last write; whole seconds
   * @param clock times records
   */
  public IndexScripts(BucketTags tags, Duration ttl, InstantSource clock) {
    this.tags = tags;
    this.ttlSeconds = ascii(Long.toString(ttl.toSeconds()));
    this.clock = clock;
  }

  /** Returns whether a share is too long for a packed record, so that only addLarge takes it. */
  public static boolean isLarge(TraceShare share) {
    return ShareEncoder.bytes(share.subsegments().size(), share.spanCount())
        > ShareEncoder.MAX_RECORD_BYTES;
  }

  /**
   * Returns the calls that add shares to the packed records of their traces.
   *
   * @param bucket the bucket of all the traces
   * @param shares of each trace one, and none that {@link #isLarge}
   */
  public List<AddCall> addSubsegments(int bucket, List<TraceShare> shares) {
    List<AddCall> calls = new ArrayList<>();
    byte[] key = ascii(RedisKeys.traces(tags.of(bucket)));
    long now = clock.instant().getEpochSecond();
    for (int from = 0; from < shares.size(); ) {
      List<byte[]> arguments = new ArrayList<>();
      arguments.add(ascii(Long.toString(now)));
      arguments.add(ttlSeconds);
      int to = from;
      for (int ids = 0; to < shares.size() && to - from < MAX_TRACES; to++) {
        TraceShare share = shares.get(to);
        ids += share.spanCount() + share.subsegments().size();
        if (ids > MAX_IDS && to > from) {
          break;
        }
        arguments.add(TraceField.of(share.trace()));
        arguments.add(ShareEncoder.encode(share, now));
      }
      calls.add(
          new AddCall(
              RedisCommand.call(ADD_SUBSEGMENTS, List.of(key), arguments),
              shares.subList(from, to)));
      from = to;
    }
    return calls;
  }

  /**
   * Returns the calls that add a share to the record of a large trace. They may be made in any
   * order. A trace that is not large becomes so.
   *
   * @param mergedPayloads the payloads of its subsegments in stored form, to be kept in the merged
   *     layout; null if that is not written
   */
  public List<AddLargeCall> addLarge(TraceShare share, List<byte[]> mergedPayloads) {
    TraceKey trace = share.trace();
    LargeTraceKeys keys = largeKeys(trace, false);
    byte[] now = ascii(Long.toString(clock.instant().getEpochSecond()));
    byte[] merged = mergedPayloads == null ? NO : YES;
    List<AddLargeCall> calls = new ArrayList<>();
    for (LargeSharePiece piece : LargeSharePiece.cut(share, mergedPayloads, MAX_LARGE_IDS)) {
      List<byte[]> arguments = new ArrayList<>();
      arguments.addAll(List.of(now, ttlSeconds, TraceField.of(trace), merged));
      arguments.addAll(piece.arguments());
      // Most subsegments are filed under their parents.
      long[] segments = mergedPayloads == null ? NO_SEGMENTS : piece.parentIds();
      calls.add(new AddLargeCall(keys, arguments, segments));
    }
    return calls;
  }

  /**
   * Returns the calls that remove flushed subsegments from the packed records of their traces.
   *
   * @param bucket the bucket of all the traces
   * @param owner whose flush it was: if a newer one has the bucket's lock, the calls do nothing
   */
  public List<FinishCall> finishFlush(int bucket, List<Receipt> receipts, LockOwner owner) {
    Map<TraceKey, List<Receipt>> byTrace = new LinkedHashMap<>();
    for (Receipt receipt : receipts) {
      byTrace.computeIfAbsent(receipt.trace(), trace -> new ArrayList<>(1)).add(receipt);
    }
    String tag = tags.of(bucket);
    List<byte[]> keys = List.of(ascii(RedisKeys.traces(tag)), ascii(RedisKeys.flushLock(tag)));
    FinishCalls calls = new FinishCalls(keys, owner);
    byTrace.forEach(calls::add);
    return calls.all();
  }

  /**
   * Returns the calls that remove the flushed subsegments of one receipt from the record of a large
   * trace, to be made in their order.
   *
   * @param merged whether payloads of the subsegments may be in the merged layout
   * @param owner whose flush it was: if a newer one has the bucket's lock, the calls do nothing
   */
  public List<FinishLargeCall> finishLarge(Receipt receipt, boolean merged, LockOwner owner) {
    LargeTraceKeys keys = largeKeys(receipt.trace(), true);
    long[] segments = merged ? new long[] {receipt.segmentId()} : NO_SEGMENTS;
    List<FinishLargeCall> calls = new ArrayList<>();
    for (ReceiptPiece piece : ReceiptPiece.cut(List.of(receipt), MAX_LARGE_IDS)) {
      List<byte[]> arguments =
          List.of(
              ascii(owner.job()),
              ascii(Long.toString(owner.epoch())),
              TraceField.of(receipt.trace()),
              piece.encoded(),
              merged ? YES : NO);
      calls.add(new FinishLargeCall(keys, arguments, piece.flushed(), segments));
    }
    return calls;
  }

  /** Returns the call that takes a bucket's flush lock; answers a {@link LockState}. */
  public RedisCommand<Object> lockFlush(int bucket, LockOwner owner, Duration ttl) {
    List<byte[]> arguments =
        List.of(
            ascii(owner.job()),
            ascii(Long.toString(owner.epoch())),
            ascii(Long.toString(ttl.toMillis())));
    byte[] key = ascii(RedisKeys.flushLock(tags.of(bucket)));
    return RedisCommand.call(LOCK_FLUSH, List.of(key), arguments);
  }

  private LargeTraceKeys largeKeys(TraceKey trace, boolean withLock) {
    String tag = tags.of(trace);
    List<byte[]> always = new ArrayList<>();
    always.add(ascii(RedisKeys.traces(tag)));
    if (withLock) {
      always.add(ascii(RedisKeys.flushLock(tag)));
    }
    always.add(ascii(RedisKeys.largeTrace(tag, trace)));
    return new LargeTraceKeys(tag, trace, always);
  }
}

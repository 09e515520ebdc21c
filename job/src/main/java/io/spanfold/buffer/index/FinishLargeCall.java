package io.spanfold.buffer.index;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.buffer.index.FinishCall.FlushedTrace;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisScript;
import io.spanfold.core.model.SmallPayload;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A call that removes flushed subsegments from the record of a large trace; repeatable. */
public final class FinishLargeCall {

  static final RedisScript SCRIPT = RedisScript.load("finish-large.lua");

  private static final byte[] DECLARE = "declare:".getBytes(US_ASCII);

  private final LargeTraceKeys keys;
  private final List<byte[]> arguments;
  private final FlushedTrace flushed;
  private final long[] segments;

  /**
   * @param segments the segments whose merged payloads it may touch
   */
  FinishLargeCall(
      LargeTraceKeys keys, List<byte[]> arguments, FlushedTrace flushed, long[] segments) {
    this.keys = keys;
    this.arguments = arguments;
    this.flushed = flushed;
    this.segments = segments;
  }

  /** Returns the call. */
  public RedisCommand<Object> command() {
    return RedisCommand.call(SCRIPT, keys.with(segments), arguments);
  }

  /**
   * Returns the call to make next, because this one would have blocked the node for long, or merged
   * payloads of further segments must be touched and this call has changed nothing; empty if it is
   * done.
   */
  public Optional<FinishLargeCall> next(Object answer) {
    byte[] text = (byte[]) answer;
    if (Arrays.equals(text, AddLargeCall.AGAIN)) {
      return Optional.of(this);
    }
    if (text.length < DECLARE.length
        || !Arrays.equals(text, 0, DECLARE.length, DECLARE, 0, DECLARE.length)) {
      return Optional.empty();
    }
    long[] needed = LargeTraceKeys.segments(text, DECLARE.length);
    return Optional.of(new FinishLargeCall(keys, arguments, flushed, needed));
  }

  /** Returns what the call has done, if it has no next one. */
  public Finished finished(Object answer) {
    byte[] text = (byte[]) answer;
    if (Arrays.equals(text, FinishCall.REFUSED)) {
      return Finished.REFUSED;
    }
    List<SmallPayload> free = new ArrayList<>();
    flushed.addFree(text, free);
    return new Finished(false, free, List.of());
  }
}

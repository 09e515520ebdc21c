package io.spanfold.buffer.index;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisScript;
import java.util.List;
import java.util.Optional;

/** A call that adds subsegments to the record of a large trace; repeatable. */
public final class AddLargeCall {

  static final RedisScript SCRIPT = RedisScript.load("add-large.lua");

  private final LargeTraceKeys keys;
  private final List<byte[]> arguments;
  private final long[] sets;

  /**
   * @param sets the segments whose merged payloads it may touch
   */
  AddLargeCall(LargeTraceKeys keys, List<byte[]> arguments, long[] sets) {
    this.keys = keys;
    this.arguments = arguments;
    this.sets = sets;
  }

  /** Returns the call. */
  public RedisCommand<Object> command() {
    return RedisCommand.call(SCRIPT, keys.with(sets), arguments);
  }

  /**
   * Returns the call to make next, because merged payloads of further segments must be touched and
   * this call has changed nothing; empty if it is done. Other writers may change the tree between
   * the two, so the next call may have a next one as well.
   */
  public Optional<AddLargeCall> next(Object answer) {
    long[] needed = LargeTraceKeys.segments((byte[]) answer, 0);
    return needed.length == 0
        ? Optional.empty()
        : Optional.of(new AddLargeCall(keys, arguments, needed));
  }
}

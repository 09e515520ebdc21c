package io.spanfold.buffer.index;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisScript;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A call that adds subsegments to the record of a large trace; repeatable. */
public final class AddLargeCall {

  static final RedisScript SCRIPT = RedisScript.load("add-large.lua");

  /** The answer to a call that has only shortened paths, of either script about a large trace. */
  static final byte[] AGAIN = "again".getBytes(US_ASCII);

  private final LargeTraceKeys keys;
  private final List<byte[]> arguments;
  private final long[] segments;

  /**
   * @param segments the segments whose merged payloads it may touch
   */
  AddLargeCall(LargeTraceKeys keys, List<byte[]> arguments, long[] segments) {
    this.keys = keys;
    this.arguments = arguments;
    this.segments = segments;
  }

  /** Returns the call. */
  public RedisCommand<Object> command() {
    return RedisCommand.call(SCRIPT, keys.with(segments), arguments);
  }

  /**
   * Returns the call to make next, because this one would have blocked the node for long, or merged
   * payloads of further segments must be touched and this call has changed nothing; empty if it is
   * done. The next call may have a next one as well, also because other writers change the tree
   * between the two.
   */
  public Optional<AddLargeCall> next(Object answer) {
    if (Arrays.equals((byte[]) answer, AGAIN)) {
      return Optional.of(this);
    }
    long[] needed = LargeTraceKeys.segments((byte[]) answer, 0);
    return needed.length == 0
        ? Optional.empty()
        : Optional.of(new AddLargeCall(keys, arguments, needed));
  }
}

package io.spanfold.buffer.index;

import io.spanfold.buffer.redis.RedisCommand;
import java.util.ArrayList;
import java.util.List;

/**
 * A call that adds shares to packed records.
 *
 * @param command the call; repeatable
 * @param shares what it adds
 */
public record AddCall(RedisCommand<Object> command, List<TraceShare> shares) {

  /**
   * Returns the shares that the call did not add, because the traces are large or become so: they
   * are to be added by {@link IndexScripts#addLarge}.
   */
  public List<TraceShare> large(Object answer) {
    List<?> numbers = (List<?>) answer;
    List<TraceShare> large = new ArrayList<>(numbers.size());
    for (Object number : numbers) {
      large.add(shares.get(((Long) number).intValue() - 1));
    }
    return large;
  }
}

package io.spanfold.buffer.redis;

import java.util.List;
import redis.clients.jedis.CommandObject;
import redis.clients.jedis.CommandObjects;
import redis.clients.jedis.RedisProtocol;

/**
 * An idempotent command.
 *
 * @param key the key that decides which node it goes to
 * @param command the arguments, and the parser of the answer
 * @param bytes estimated size of the command and its answer; bounds a pipeline
 * @param script the script it runs; null for none
 */
public record RedisCommand<T>(
    byte[] key, CommandObject<T> command, long bytes, RedisScript script) {

  /** Builds commands; thread-safe. */
  public static final CommandObjects REDIS = new CommandObjects(RedisProtocol.RESP2);

  /** Returns a command that runs no script. */
  public static <T> RedisCommand<T> of(byte[] key, CommandObject<T> command, long bytes) {
    return new RedisCommand<>(key, command, bytes, null);
  }

  /** Returns a call of {@code script}, of which {@code key} is the only key. */
  public static RedisCommand<Object> call(RedisScript script, byte[] key, List<byte[]> arguments) {
    return call(script, List.of(key), arguments);
  }

  /** Returns a call of {@code script}; its keys are in one slot. */
  public static RedisCommand<Object> call(
      RedisScript script, List<byte[]> keys, List<byte[]> arguments) {
    long bytes = 0;
    for (byte[] argument : arguments) {
      bytes += argument.length;
    }
    return new RedisCommand<>(
        keys.get(0), REDIS.evalsha(script.sha1(), keys, arguments), bytes, script);
  }
}

package io.spanfold.buffer.memory;

import static io.spanfold.buffer.redis.RedisKeys.ascii;

import io.spanfold.buffer.redis.RedisKeys;
import java.util.Optional;
import java.util.function.Predicate;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Protocol;

/** The small write by which a node shows whether it accepts writes. */
final class WriteCheck {

  /** Keys tried to find one in a node's slots; some nodes have few. */
  private static final int KEYS_TRIED = 200_000;

  /** TTL of the written key. */
  private static final long KEY_MILLIS = 1_000;

  private WriteCheck() {}

  /** Returns a key to write; empty if none is found that a node has. */
  static Optional<byte[]> key(Predicate<byte[]> isOnNode) {
    for (int i = 0; i < KEYS_TRIED; i++) {
      byte[] key = ascii(RedisKeys.PREFIX + "check:" + i);
      if (isOnNode.test(key)) {
        return Optional.of(key);
      }
    }
    return Optional.empty();
  }

  /** Returns a command that writes some bytes to {@code key}, which expires after a second. */
  static CommandArguments command(byte[] key) {
    return new CommandArguments(Protocol.Command.SET)
        .key(key)
        .add(key)
        .add(Protocol.Keyword.PX)
        .add(KEY_MILLIS);
  }
}

package io.spanfold.buffer.redis;

import java.util.List;
import redis.clients.jedis.exceptions.JedisAccessControlException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisNoScriptException;
import redis.clients.jedis.exceptions.JedisRedirectionException;

/** What a failure of a command means for trying again. In order of weight. */
public enum RedisFailure {
  /** The script is not loaded on that node: load it. */
  NO_SCRIPT,
  /** The key is with another node, or on its way there: ask who has it. */
  MOVED,
  /** No answer, or the node cannot serve just now. */
  UNAVAILABLE,
  /** No memory left. */
  FULL,
  /** Trying again does not help. */
  FATAL;

  private static final List<String> PASSING =
      List.of(
          "LOADING",
          "CLUSTERDOWN",
          "READONLY",
          "MASTERDOWN",
          "BUSY",
          "MISCONF",
          "NOREPLICAS",
          "max number of clients");

  /** What a node says while it moves a slot; the last two where a script asks for a key. */
  private static final List<String> MOVING =
      List.of(
          "TRYAGAIN",
          "attempted to access a non local key",
          "undeclared keys were accessed during rehashing");

  /** Returns whether the server's words say that it has no memory left. */
  public static boolean isFull(String words) {
    // A script passes on the error of the command that it ran, in words of its own.
    return words.contains("OOM command not allowed");
  }

  /** Tells what {@code failure} means. */
  public static RedisFailure of(RuntimeException failure) {
    String message = String.valueOf(failure.getMessage());
    if (failure instanceof JedisNoScriptException) {
      return NO_SCRIPT;
    }
    if (failure instanceof JedisRedirectionException
        || MOVING.stream().anyMatch(message::contains)) {
      return MOVED;
    }
    if (isFull(message)) {
      return FULL;
    }
    if (failure instanceof JedisAccessControlException) {
      return FATAL;
    }
    if (failure instanceof JedisDataException) {
      // Errors of a state: their first word tells. All others are errors of the command.
      return PASSING.stream().anyMatch(message::contains) ? UNAVAILABLE : FATAL;
    }
    // Whatever the client throws else, it did so for want of a connection: also an
    // IllegalStateException, which is how a response says that it never came.
    return UNAVAILABLE;
  }
}

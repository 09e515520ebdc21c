package io.spanfold.buffer.redis;

import java.util.List;
import redis.clients.jedis.exceptions.JedisAccessControlException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisNoScriptException;
import redis.clients.jedis.exceptions.JedisRedirectionException;

/** What the failure of a command means for a retry, in increasing order of severity. */
public enum RedisFailure {
  /** The script is not loaded on that node: load it. */
  NO_SCRIPT,
  /** Another node has the key, or is getting it: refresh the slots. */
  MOVED,
  /** No answer. */
  UNAVAILABLE,
  /** The node answers, but does not serve commands now. */
  REFUSED,
  /** No memory left. */
  FULL,
  /** Retrying does not help. */
  FATAL;

  private static final List<String> REFUSING =
      List.of(
          "LOADING",
          "CLUSTERDOWN",
          "READONLY",
          "MASTERDOWN",
          "BUSY",
          "MISCONF",
          "NOREPLICAS",
          "max number of clients");

  /** Errors of a node that moves a slot; the last two come from scripts. */
  private static final List<String> MOVING =
      List.of(
          "TRYAGAIN",
          "attempted to access a non local key",
          "undeclared keys were accessed during rehashing");

  /** Returns whether an error of the server says that it has no memory left. */
  public static boolean isFull(String words) {
    // A script embeds the error of the command that it ran in its own.
    return words.contains("OOM command not allowed");
  }

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
      // Errors of the server's state pass; all others are errors of the command.
      return REFUSING.stream().anyMatch(message::contains) ? REFUSED : FATAL;
    }
    // All other exceptions of the client mean a lost connection; also IllegalStateException, which
    // a response throws that never came.
    return UNAVAILABLE;
  }
}

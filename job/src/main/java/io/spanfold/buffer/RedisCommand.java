package io.spanfold.buffer;

import redis.clients.jedis.CommandObject;

/**
 * A command that may be sent again and again with the same effect.
 *
 * @param key the key that decides which node it goes to
 * @param command what to send, and how to read the answer
 * @param bytes about how much it moves, in bytes: what bounds a pipeline
 * @param script the script it runs; null for none
 */
record RedisCommand<T>(byte[] key, CommandObject<T> command, long bytes, RedisScript script) {}

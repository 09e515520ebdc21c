package io.spanfold.buffer.index;

import io.spanfold.core.model.TraceKey;
import java.io.Serializable;
import java.util.List;
import java.util.stream.IntStream;
import redis.clients.jedis.util.JedisClusterCRC16;

/**
 * The buckets that the traces of a buffer are divided into. A bucket is a share of the key groups,
 * so a subtask with a p-th of the key groups works with about a p-th of the buckets. All keys of a
 * bucket have one hash tag, and so are in one slot.
 *
 * <p>The tags divide the slots evenly: bucket {@code i} of {@code n} is in the {@code i}-th of
 * {@code n} equal ranges of slots. Neighbouring buckets, which one subtask works with, are
 * therefore on few nodes of a cluster.
 *
 * @param count how many buckets there are, from 1 to {@code maxParallelism}
 * @param maxParallelism the number of key groups: the maximum parallelism of the Flink job
 */
public record Buckets(int count, int maxParallelism) implements Serializable {

  private static final long serialVersionUID = 1L;

  private static final int SLOTS = 16_384;

  /**
   * The number of key groups of a job that does not set another. Divisible by every number of
   * subtasks up to ten, and by most larger ones in use, so that all subtasks have equally many key
   * groups.
   */
  public static final int DEFAULT_MAX_PARALLELISM = 5040;

  public static final int DEFAULT_COUNT = 64;

  /** The buckets of a job that sets neither number. */
  public static final Buckets DEFAULT = new Buckets(DEFAULT_COUNT, DEFAULT_MAX_PARALLELISM);

  public Buckets {
    if (count < 1 || count > maxParallelism) {
      throw new IllegalArgumentException(
          "%d buckets of %d key groups: there must be 1 to %d"
              .formatted(count, maxParallelism, maxParallelism));
    }
  }

  /** Returns the bucket of a trace, from 0. */
  public int of(TraceKey trace) {
    return (int) ((long) keyGroup(trace) * count / maxParallelism);
  }

  /** Returns the buckets that have traces of these key groups, the last one included. */
  public List<Integer> of(int firstKeyGroup, int lastKeyGroup) {
    int first = (int) ((long) firstKeyGroup * count / maxParallelism);
    int last = (int) ((long) lastKeyGroup * count / maxParallelism);
    return IntStream.rangeClosed(first, last).boxed().toList();
  }

  /**
   * Returns the hash tag of a bucket, without braces: its number, a dot, and a suffix for the slot.
   */
  public String tag(int bucket) {
    long first = (long) bucket * SLOTS / count;
    long end = Math.max(first + 1, (bucket + 1L) * SLOTS / count);
    for (int suffix = 0; ; suffix++) {
      String tag = bucket + "." + Integer.toHexString(suffix);
      int slot = JedisClusterCRC16.getSlot(tag);
      if (slot >= first && slot < end) {
        return tag;
      }
    }
  }

  /**
   * Returns the key group of a trace: the same as Flink's {@code KeyGroupRangeAssignment}, which a
   * test holds it against.
   */
  public int keyGroup(TraceKey trace) {
    return murmur(trace.hashCode()) % maxParallelism;
  }

  /** MurmurHash3 (Austin Appleby, public domain) of one block of four bytes; never negative. */
  private static int murmur(int code) {
    int hash = code * 0xcc9e2d51;
    hash = Integer.rotateLeft(hash, 15) * 0x1b873593;
    hash = Integer.rotateLeft(hash, 13) * 5 + 0xe6546b64;
    hash ^= Integer.BYTES;
    hash ^= hash >>> 16;
    hash *= 0x85ebca6b;
    hash ^= hash >>> 13;
    hash *= 0xc2b2ae35;
    hash ^= hash >>> 16;
    return hash == Integer.MIN_VALUE ? 0 : Math.abs(hash);
  }
}

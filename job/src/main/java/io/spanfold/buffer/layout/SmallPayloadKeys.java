package io.spanfold.buffer.layout;

import io.spanfold.buffer.redis.BufferKey;
import io.spanfold.buffer.redis.KeyScan;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisNodes;
import io.spanfold.buffer.redis.RetryPolicy;
import io.spanfold.buffer.redis.StoreException;
import io.spanfold.core.model.Generation;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * The hashes of small payloads that there are. The job finds the hash of a payload by its
 * generation, which is in state. Readers of the index look into all hashes of the bucket. There are
 * as many as checkpoints completed while a span was buffered: some ten, after a long outage of the
 * sink some hundred.
 */
public final class SmallPayloadKeys {

  private final Map<String, SortedSet<String>> byTag = new HashMap<>();

  private SmallPayloadKeys() {}

  /**
   * Scans the keys of all nodes once.
   *
   * @throws StoreException if a node does not answer within the time for retries
   */
  public static SmallPayloadKeys find(RedisNodes nodes, RetryPolicy retries) {
    SmallPayloadKeys found = new SmallPayloadKeys();
    KeyScan scan = KeyScan.twice(nodes, retries, RedisKeys.ALL_SMALL_PAYLOADS);
    for (List<String> page = scan.next(); page != null; page = scan.next()) {
      page.forEach(found::add);
    }
    return found;
  }

  private void add(String key) {
    BufferKey.parse(key)
        .ifPresent(parsed -> byTag.computeIfAbsent(parsed.tag(), any -> new TreeSet<>()).add(key));
  }

  /** Returns the hashes of the generations that {@code wanted} accepts. */
  public List<String> in(Predicate<Generation> wanted) {
    return byTag.values().stream()
        .flatMap(Set::stream)
        .filter(key -> BufferKey.parse(key).map(BufferKey::generation).filter(wanted).isPresent())
        .toList();
  }

  /** Returns the hashes of the bucket with this hash tag. */
  public List<String> of(String tag) {
    return List.copyOf(byTag.getOrDefault(tag, new TreeSet<>()));
  }
}

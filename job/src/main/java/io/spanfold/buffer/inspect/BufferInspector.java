package io.spanfold.buffer.inspect;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;

import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.index.StoredBuckets;
import io.spanfold.buffer.lease.LeaseHolder;
import io.spanfold.buffer.lease.LeaseStore;
import io.spanfold.buffer.redis.BufferKey;
import io.spanfold.buffer.redis.ConnectionSettings;
import io.spanfold.buffer.redis.KeyScan;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisNodes;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.buffer.redis.RetryPolicy;
import io.spanfold.buffer.redis.StoreException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import redis.clients.jedis.CommandObject;
import redis.clients.jedis.HostAndPort;

/**
 * Reads a buffer without taking its lease, and deletes one without a job. Nothing is retried: an
 * unreachable node is reported. Counts and traces are not a snapshot, and their cost is that of a
 * scan of all keys. For use by one thread.
 *
 * <p>Every method throws {@link StoreException} if Redis does not answer or refuses a command.
 */
public final class BufferInspector implements AutoCloseable {

  private static final RetryPolicy NO_RETRIES = RetryPolicy.within(Duration.ZERO);

  private final RedisNodes nodes;
  private final RedisPipelines pipelines;
  private final LeaseStore leases;

  private BufferInspector(ConnectionSettings settings) {
    this.nodes = RedisNodes.connect(settings, NO_RETRIES);
    this.pipelines = new RedisPipelines(nodes, NO_RETRIES);
    this.leases = new LeaseStore(settings.within(withoutRetries(settings.timeouts())));
  }

  private static ConnectionSettings.Timeouts withoutRetries(ConnectionSettings.Timeouts timeouts) {
    return new ConnectionSettings.Timeouts(timeouts.connect(), timeouts.answer(), Duration.ZERO);
  }

  /** Connects to a Redis or a cluster. */
  public static BufferInspector connect(ConnectionSettings settings) {
    return new BufferInspector(settings);
  }

  /** Returns the job that holds the lease; empty for none. */
  public Optional<LeaseHolder> lease() {
    return leases.look();
  }

  /**
   * Counts the buffer's keys, without the lease, by node, then by kind: the word after {@code
   * span-buf:}.
   */
  public SortedMap<HostAndPort, Map<String, Long>> countKeys() {
    SortedMap<HostAndPort, Map<String, Long>> counts = noCounts();
    scan(RedisKeys.PREFIX, keys -> withoutLease(keys).forEach(key -> count(key, counts)));
    return counts;
  }

  /** Returns the buffer's keys that have no TTL. */
  public List<String> keysWithoutTtl() {
    List<String> found = new ArrayList<>();
    scan(
        RedisKeys.PREFIX,
        keys -> {
          List<Long> ttls =
              pipelines.send(
                  "read the TTL of keys",
                  keys.stream().map(key -> command(key, REDIS.ttl(key))).toList());
          for (int i = 0; i < ttls.size(); i++) {
            if (ttls.get(i) == -1) {
              found.add(keys.get(i));
            }
          }
        });
    return found;
  }

  /**
   * Returns the number of buckets that the buffer records; empty if nothing was written for as long
   * as {@code redis.ttl}, or Redis has lost it.
   */
  public Optional<Buckets> buckets() {
    return StoredBuckets.read(pipelines);
  }

  /**
   * Returns everything of a trace, including distributed payloads that its index does not contain.
   *
   * @param trace {@code project:trace}, or a trace's 32 digits for that trace in all projects
   */
  public Collection<BufferedTrace> trace(String trace) {
    return new TraceReader(nodes, pipelines, NO_RETRIES, trace).read();
  }

  /**
   * Returns the traces that were written longest ago, the oldest first. Reads the records of all
   * traces.
   *
   * @param count how many at most
   */
  public List<TraceSummary> oldestTraces(int count) {
    OldestTraces oldest = new OldestTraces(pipelines, count);
    scan(
        TraceReader.RECORDS,
        keys -> keys.stream().map(BufferKey::parse).flatMap(Optional::stream).forEach(oldest::add));
    return oldest.inOrder();
  }

  /**
   * Deletes all that there is of a trace. May be repeated.
   *
   * @param trace as for {@link #trace}
   * @return what was deleted
   * @throws BufferInUseException if a job holds the lease
   */
  public Collection<BufferedTrace> purge(String trace) {
    refuseLease();
    return new TracePurge(nodes, pipelines, NO_RETRIES, trace).run();
  }

  /**
   * Deletes all keys of a buffer without a lease, and no others. Checks the lease before each page
   * of keys: a job that starts in between loses payloads, which it reads again from Kafka. May be
   * repeated.
   *
   * @return the number of deleted keys by node, then by kind
   * @throws BufferInUseException if a job holds the lease, or takes it during the call
   */
  public SortedMap<HostAndPort, Map<String, Long>> purge() {
    SortedMap<HostAndPort, Map<String, Long>> deleted = noCounts();
    refuseLease();
    scan(
        RedisKeys.PREFIX,
        keys -> {
          refuseLease();
          List<String> ours = withoutLease(keys);
          List<Long> answers =
              pipelines.send(
                  "delete keys",
                  ours.stream().map(key -> command(key, REDIS.unlink(key))).toList());
          for (int i = 0; i < ours.size(); i++) {
            if (answers.get(i) > 0) {
              count(ours.get(i), deleted);
            }
          }
        });
    return deleted;
  }

  private static List<String> withoutLease(List<String> keys) {
    return keys.stream().filter(key -> !key.equals(RedisKeys.LEASE)).toList();
  }

  private void refuseLease() {
    Optional<LeaseHolder> holder = lease();
    if (holder.isPresent()) {
      throw new BufferInUseException(holder.get());
    }
  }

  private void scan(String pattern, Consumer<List<String>> visitor) {
    KeyScan scan = new KeyScan(nodes, NO_RETRIES, pattern);
    for (List<String> page = scan.next(); page != null; page = scan.next()) {
      visitor.accept(page);
    }
  }

  private SortedMap<HostAndPort, Map<String, Long>> noCounts() {
    SortedMap<HostAndPort, Map<String, Long>> counts =
        new TreeMap<>(Comparator.comparing(HostAndPort::toString));
    nodes.all().forEach(node -> counts.put(node, new TreeMap<>()));
    return counts;
  }

  private void count(String key, Map<HostAndPort, Map<String, Long>> counts) {
    counts
        .computeIfAbsent(nodes.nodeOf(RedisKeys.ascii(key)), node -> new TreeMap<>())
        .merge(BufferKey.word(key), 1L, Long::sum);
  }

  private static <T> RedisCommand<T> command(String key, CommandObject<T> command) {
    return RedisCommand.of(RedisKeys.ascii(key), command, key.length());
  }

  @Override
  public void close() {
    leases.close();
    pipelines.close();
  }
}

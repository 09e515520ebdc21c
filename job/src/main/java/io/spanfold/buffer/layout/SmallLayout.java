package io.spanfold.buffer.layout;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static io.spanfold.buffer.redis.RedisKeys.ascii;

import io.spanfold.buffer.index.BucketTags;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.core.model.SmallPayload;
import io.spanfold.core.model.Subsegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import org.apache.commons.codec.digest.MurmurHash3;
import redis.clients.jedis.BuilderFactory;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.CommandObject;
import redis.clients.jedis.Protocol;

/**
 * A hash for each bucket and generation, with one payload for each trace and batch: for traces with
 * few bytes in a batch, which are most. One command writes, reads or removes the payloads of many
 * traces. A payload is removed once the index has none of its subsegments.
 *
 * <p>A generation is what was written under one lease between two checkpoints. A hash therefore
 * ends by its TTL, although its bucket is written to without end.
 */
public final class SmallLayout implements PayloadLayout {

  public static final int BIT = 4;

  /** Bounds on the payloads of one command, and thus on the time for which it blocks a node. */
  private static final int MAX_PAGE = 1_000;

  private static final long MAX_PAGE_BYTES = 1L << 20;

  /** Bounds the bytes of payloads that are read before they are received. */
  private static final long MAX_ROUND_BYTES = 8L << 20;

  private final RedisPipelines pipelines;
  private final BucketTags tags;
  private final long ttlSeconds;

  /** The key of payloads: a bucket, and a generation. */
  private record Hash(int bucket, long epoch, long checkpoint) {}

  SmallLayout(RedisPipelines pipelines, BucketTags tags, Duration ttl) {
    this.pipelines = pipelines;
    this.tags = tags;
    this.ttlSeconds = ttl.toSeconds();
  }

  /** Returns the id of the payload that holds {@code subsegments}, in this order; not 0. */
  static long payloadId(List<Subsegment> subsegments) {
    ByteBuffer ids = ByteBuffer.allocate(subsegments.size() * Long.BYTES);
    subsegments.forEach(subsegment -> ids.putLong(subsegment.id()));
    long id = MurmurHash3.hash128x64(ids.array())[0];
    return id == 0 ? 1 : id;
  }

  @Override
  public int bit() {
    return BIT;
  }

  /** One HSET and one EXPIRE for each bucket. */
  @Override
  public List<RedisCommand<?>> store(List<StoredShare> shares) {
    Map<Hash, List<StoredShare>> byHash = new LinkedHashMap<>();
    for (StoredShare share : shares) {
      Hash hash = hash(tags.buckets().of(share.trace()), share.subsegments().get(0).small());
      byHash.computeIfAbsent(hash, any -> new ArrayList<>()).add(share);
    }
    List<RedisCommand<?>> commands = new ArrayList<>(2 * byHash.size());
    byHash.forEach(
        (hash, payloads) -> {
          byte[] key = key(hash);
          for (List<StoredShare> page : pages(payloads, share -> share.together().length)) {
            commands.add(hset(key, page));
          }
          commands.add(RedisCommand.of(key, expire(key), key.length));
        });
    return commands;
  }

  /** Answers false if the key does not exist, because its HSET has failed and is sent again. */
  private CommandObject<Boolean> expire(byte[] key) {
    return new CommandObject<>(
        REDIS.expire(key, ttlSeconds).getArguments(), BuilderFactory.BOOLEAN);
  }

  private static RedisCommand<Long> hset(byte[] key, List<StoredShare> page) {
    // Jedis's own takes a map, whose keys would be arrays.
    CommandArguments arguments = new CommandArguments(Protocol.Command.HSET).key(key);
    long bytes = 0;
    for (StoredShare share : page) {
      arguments.add(field(share.subsegments().get(0).small())).add(share.together());
      bytes += share.together().length;
    }
    return RedisCommand.of(key, new CommandObject<>(arguments, BuilderFactory.LONG), bytes);
  }

  /** One HMGET for each bucket and generation. */
  @Override
  public void load(List<Wanted> wanted, Receiver receiver) {
    List<Page> round = new ArrayList<>();
    long bytes = 0;
    for (Page page : pages(wanted)) {
      if (bytes + page.bytes > MAX_ROUND_BYTES && !round.isEmpty()) {
        loadRound(round, receiver);
        round.clear();
        bytes = 0;
      }
      round.add(page);
      bytes += page.bytes;
    }
    loadRound(round, receiver);
  }

  private void loadRound(List<Page> pages, Receiver receiver) {
    List<List<byte[]>> answers =
        pipelines.send(
            "load %d pages of small payloads from Redis".formatted(pages.size()),
            pages.stream().map(Page::command).toList());
    for (int i = 0; i < pages.size(); i++) {
      pages.get(i).receive(answers.get(i), receiver);
    }
  }

  /** Payloads that one command reads, and the subsegments wanted of each. */
  private static final class Page {
    final byte[] key;
    final List<List<Wanted>> payloads;
    final long bytes;

    Page(byte[] key, List<List<Wanted>> payloads) {
      this.key = key;
      this.payloads = payloads;
      this.bytes = payloads.stream().mapToLong(SmallLayout::storedBytes).sum();
    }

    RedisCommand<List<byte[]>> command() {
      byte[][] fields =
          payloads.stream()
              .map(payload -> field(payload.get(0).subsegment().small()))
              .toArray(byte[][]::new);
      return RedisCommand.of(key, REDIS.hmget(key, fields), bytes);
    }

    void receive(List<byte[]> stored, Receiver receiver) {
      for (int i = 0; i < payloads.size(); i++) {
        if (stored.get(i) != null) {
          receiver.found(payloads.get(i), stored.get(i));
        }
      }
    }
  }

  private List<Page> pages(List<Wanted> wanted) {
    Map<Hash, Map<Long, List<Wanted>>> byHash = new LinkedHashMap<>();
    for (Wanted each : wanted) {
      SmallPayload small = each.subsegment().small();
      byHash
          .computeIfAbsent(
              hash(tags.buckets().of(each.trace()), small), any -> new LinkedHashMap<>())
          .computeIfAbsent(small.id(), any -> new ArrayList<>(1))
          .add(each);
    }
    List<Page> pages = new ArrayList<>(byHash.size());
    byHash.forEach(
        (hash, payloads) -> {
          byte[] key = key(hash);
          for (List<List<Wanted>> page :
              pages(List.copyOf(payloads.values()), SmallLayout::storedBytes)) {
            pages.add(new Page(key, page));
          }
        });
    return pages;
  }

  private static long storedBytes(List<Wanted> payload) {
    return payload.get(0).subsegment().storedBytes();
  }

  @Override
  public int offset(Subsegment subsegment) {
    return subsegment.small().offset();
  }

  @Override
  public long maxBytes(Subsegment subsegment) {
    return PayloadLayouts.SMALL_BYTES;
  }

  /** Returns the commands that remove payloads of a bucket: one HDEL for each generation. */
  List<RedisCommand<?>> remove(int bucket, List<SmallPayload> payloads) {
    Map<Hash, List<SmallPayload>> byHash = new LinkedHashMap<>();
    for (SmallPayload small : payloads) {
      byHash.computeIfAbsent(hash(bucket, small), any -> new ArrayList<>()).add(small);
    }
    List<RedisCommand<?>> commands = new ArrayList<>(byHash.size());
    byHash.forEach(
        (hash, ofHash) -> {
          byte[] key = key(hash);
          for (List<SmallPayload> page : pages(ofHash, small -> Long.BYTES)) {
            byte[][] fields = page.stream().map(SmallLayout::field).toArray(byte[][]::new);
            commands.add(
                RedisCommand.of(key, REDIS.hdel(key, fields), (long) fields.length * Long.BYTES));
          }
        });
    return commands;
  }

  private static Hash hash(int bucket, SmallPayload small) {
    return new Hash(bucket, small.epoch(), small.checkpoint());
  }

  private byte[] key(Hash hash) {
    return ascii(RedisKeys.smallPayloads(tags.of(hash.bucket), hash.epoch, hash.checkpoint));
  }

  private static byte[] field(SmallPayload small) {
    return ByteBuffer.allocate(Long.BYTES).putLong(small.id()).array();
  }

  /** Cuts a list into pages within the bounds of one command. */
  private static <T> List<List<T>> pages(List<T> all, ToLongFunction<T> bytesOf) {
    List<List<T>> pages = new ArrayList<>();
    for (int from = 0; from < all.size(); ) {
      int to = from;
      long bytes = 0;
      while (to < all.size() && to - from < MAX_PAGE && bytes < MAX_PAGE_BYTES) {
        bytes += bytesOf.applyAsLong(all.get(to++));
      }
      pages.add(all.subList(from, to));
      from = to;
    }
    return pages;
  }
}

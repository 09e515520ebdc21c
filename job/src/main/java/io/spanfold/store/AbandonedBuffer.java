package io.spanfold.store;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.model.Hex;
import io.spanfold.model.TraceKey;
import io.spanfold.payload.PayloadCompression;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.CommandObjects;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/**
 * What a job has left in Redis whose state is lost. It is set aside first, under keys of its own:
 * so what the next job writes is never taken for it.
 *
 * <p>Retries and failures are those of {@link SegmentStore}. For use by one thread at a time, which
 * it blocks. In memory are the ids of a page of segments and some payloads.
 */
public final class AbandonedBuffer implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(AbandonedBuffer.class);

  private static final RedisScript SET_ASIDE = RedisScript.load("set-aside.lua");

  private static final Pattern ASIDE_KEY =
      Pattern.compile(
          Pattern.quote(RedisKeys.ALL_ASIDE)
              + "\\{(\\d{1,19}):([0-9a-f]{16})([0-9a-f]{16})\\}:([0-9a-f]{16})");

  private static final int ID_DIGITS = 16;

  /** How many members of a set of ids a page has. */
  private static final int IDS_A_PAGE = 1_000;

  /** How many payloads, or pages of them, are asked for at once. */
  private static final int AT_ONCE = 16;

  /** What a page of merged payloads is to bring, and what the first has, as nothing is known. */
  private static final long PAGE_BYTES = 1L << 20;

  private static final int FIRST_PAGE = 10;

  /** Far more than a subsegment can have, so that a damaged length costs no memory. */
  private static final long MOST_BYTES = 128L << 20;

  private final CommandObjects redis = new CommandObjects(RedisProtocol.RESP2);
  private final StoreSettings settings;
  private final RetryPolicy retries;
  private final RedisNodes nodes;
  private final RedisPipelines pipelines;
  private final KnownDictionaries dictionaries;
  private final PayloadCompression compression;

  private AbandonedBuffer(StoreSettings settings, RetryPolicy retries) {
    this.settings = settings;
    this.retries = retries;
    this.nodes = StoreConnector.connect(settings, retries);
    this.pipelines = new RedisPipelines(nodes, retries);
    this.dictionaries = new KnownDictionaries(redis, pipelines, retries.clock());
    this.compression = new PayloadCompression(PayloadCompression.OFF, dictionaries);
  }

  /** Takes payloads. */
  @FunctionalInterface
  public interface Visitor {
    /**
     * One payload.
     *
     * @param frames as {@code io.spanfold.payload.SpanFrames} lays them out
     */
    void payload(AbandonedSegment segment, long subsegment, byte[] frames)
        throws InterruptedException;
  }

  /** Goes over what was set aside. */
  public final class Pages {
    private final KeyScan scan = new KeyScan(nodes, retries, RedisKeys.ALL_ASIDE);

    private Pages() {}

    /** Returns some of the segments, perhaps none; null where there are no more. */
    public List<AbandonedSegment> next() {
      List<String> keys = scan.next();
      return keys == null
          ? null
          : keys.stream()
              .map(AbandonedBuffer::segment)
              .filter(Objects::nonNull)
              .distinct()
              .toList();
    }
  }

  /**
   * Opens one.
   *
   * @throws StoreException where Redis cannot be reached
   */
  public static AbandonedBuffer connect(StoreSettings settings) {
    return new AbandonedBuffer(settings, RetryPolicy.within(settings.retryBudget()));
  }

  /**
   * Sets all aside that the index knows: a script call a segment. To be called before anything is
   * written on behalf of the new job. May be repeated.
   *
   * @return how many segments
   */
  public long setAside() {
    List<byte[]> ttl = List.of(ascii(Long.toString(settings.ttl().toSeconds())));
    KeyScan scan = new KeyScan(nodes, retries, RedisKeys.ALL_MEMBERS);
    long segments = 0;
    for (List<String> page = scan.next(); page != null; page = scan.next()) {
      List<RedisCommand<Object>> calls = new ArrayList<>(page.size());
      for (String name : page) {
        byte[] key = ascii(name);
        calls.add(
            new RedisCommand<>(
                key, redis.evalsha(SET_ASIDE.sha1(), List.of(key), ttl), key.length, SET_ASIDE));
      }
      for (Object done :
          pipelines.send("set %d segments aside in Redis".formatted(calls.size()), calls)) {
        segments += (Long) done;
      }
    }
    return segments;
  }

  /**
   * Returns the epoch of the lease as Redis has it now; 0 where it has none.
   *
   * @throws StoreException where Redis could not be asked
   */
  public long leaseEpoch() {
    return LeaseEpoch.read(redis, pipelines);
  }

  /** Begins to go over what was set aside. A segment may come twice, if it is still there. */
  public Pages pages() {
    return new Pages();
  }

  /**
   * Shows the payloads of segments to {@code visitor}, each subsegment's once.
   *
   * @return how many subsegments have none
   */
  public int read(List<AbandonedSegment> segments, Visitor visitor) throws InterruptedException {
    Map<AbandonedSegment, Set<Long>> ids = ids(segments);
    readDistributed(ids, visitor);
    readMerged(ids, visitor);
    int lost = 0;
    for (Map.Entry<AbandonedSegment, Set<Long>> left : ids.entrySet()) {
      lost += left.getValue().size();
      if (!left.getValue().isEmpty()) {
        LOG.warn(
            "Redis has no payload of {} subsegments of segment {} in trace {}.",
            left.getValue().size(),
            Hex.id(left.getKey().segmentId()),
            left.getKey().trace());
      }
    }
    return lost;
  }

  /** Removes segments that were set aside, with their payloads. Works in a full Redis. */
  public void remove(List<AbandonedSegment> segments) {
    List<RedisCommand<Long>> commands = new ArrayList<>();
    ids(segments)
        .forEach(
            (segment, ids) -> {
              for (long id : ids) {
                byte[] key = ascii(RedisKeys.payload(segment.trace(), id));
                commands.add(new RedisCommand<>(key, redis.unlink(key), key.length, null));
              }
            });
    pipelines.send("remove %d adopted payloads in Redis".formatted(commands.size()), commands);
    commands.clear();
    // Last, as they tell what else is to be removed.
    for (AbandonedSegment segment : segments) {
      byte[] members = members(segment);
      byte[] payloads = payloads(segment);
      commands.add(
          new RedisCommand<>(members, redis.unlink(members, payloads), members.length, null));
    }
    pipelines.send("remove %d adopted segments in Redis".formatted(commands.size()), commands);
  }

  @Override
  public void close() {
    try (dictionaries;
        compression) {
      pipelines.close();
    }
  }

  /** Returns the subsegments of each segment. */
  private Map<AbandonedSegment, Set<Long>> ids(List<AbandonedSegment> segments) {
    Map<AbandonedSegment, Set<Long>> ids = new LinkedHashMap<>();
    segments.forEach(segment -> ids.put(segment, new LinkedHashSet<>()));
    Map<AbandonedSegment, byte[]> open = new LinkedHashMap<>();
    segments.forEach(segment -> open.put(segment, ScanParams.SCAN_POINTER_START_BINARY));
    ScanParams count = new ScanParams().count(IDS_A_PAGE);
    while (!open.isEmpty()) {
      List<AbandonedSegment> asked = List.copyOf(open.keySet());
      List<RedisCommand<ScanResult<byte[]>>> scans = new ArrayList<>(asked.size());
      for (AbandonedSegment segment : asked) {
        byte[] key = members(segment);
        scans.add(new RedisCommand<>(key, redis.sscan(key, open.get(segment), count), 0, null));
      }
      List<ScanResult<byte[]>> pages =
          pipelines.send("read %d abandoned segments in Redis".formatted(asked.size()), scans);
      for (int i = 0; i < asked.size(); i++) {
        AbandonedSegment segment = asked.get(i);
        for (byte[] member : pages.get(i).getResult()) {
          // Others are former names of the segment.
          if (member.length == ID_DIGITS) {
            ids.get(segment).add(id(member));
          }
        }
        if (pages.get(i).isCompleteIteration()) {
          open.remove(segment);
        } else {
          open.put(segment, pages.get(i).getCursorAsBytes());
        }
      }
    }
    return ids;
  }

  /** Removes from {@code ids} what was found. */
  private void readDistributed(Map<AbandonedSegment, Set<Long>> ids, Visitor visitor)
      throws InterruptedException {
    List<Wanted> all = new ArrayList<>();
    ids.forEach((segment, of) -> of.forEach(id -> all.add(new Wanted(segment, id))));
    for (int from = 0; from < all.size(); from += AT_ONCE) {
      List<Wanted> some = all.subList(from, Math.min(all.size(), from + AT_ONCE));
      List<RedisCommand<byte[]>> gets = new ArrayList<>(some.size());
      for (Wanted each : some) {
        byte[] key = ascii(RedisKeys.payload(each.segment.trace(), each.id));
        gets.add(new RedisCommand<>(key, redis.get(key), PAGE_BYTES / AT_ONCE, null));
      }
      List<byte[]> stored =
          pipelines.send("load %d abandoned payloads from Redis".formatted(gets.size()), gets);
      for (int i = 0; i < some.size(); i++) {
        Wanted each = some.get(i);
        byte[] frames = frames(each.segment, each.id, stored.get(i));
        if (frames != null) {
          visitor.payload(each.segment, each.id, frames);
          ids.get(each.segment).remove(each.id);
        }
      }
    }
  }

  private record Wanted(AbandonedSegment segment, long id) {}

  /** Removes from {@code ids} what was found. */
  private void readMerged(Map<AbandonedSegment, Set<Long>> ids, Visitor visitor)
      throws InterruptedException {
    List<OpenSet> waiting = new ArrayList<>();
    ids.forEach(
        (segment, wanted) -> {
          if (!wanted.isEmpty()) {
            waiting.add(new OpenSet(segment, wanted));
          }
        });
    for (int from = 0; from < waiting.size(); from += AT_ONCE) {
      List<OpenSet> open = waiting.subList(from, Math.min(waiting.size(), from + AT_ONCE));
      while (!open.isEmpty()) {
        List<ScanResult<byte[]>> pages =
            pipelines.send(
                "read %d abandoned merged sets from Redis".formatted(open.size()),
                open.stream().map(OpenSet::nextPage).toList());
        List<OpenSet> further = new ArrayList<>();
        for (int i = 0; i < pages.size(); i++) {
          if (open.get(i).take(pages.get(i), visitor)) {
            further.add(open.get(i));
          }
        }
        open = further;
      }
    }
  }

  /** The merged payloads of a segment, as they are read. */
  private final class OpenSet {
    private final AbandonedSegment segment;
    private final Set<Long> wanted;
    private byte[] cursor = ScanParams.SCAN_POINTER_START_BINARY;
    private int count = FIRST_PAGE;

    OpenSet(AbandonedSegment segment, Set<Long> wanted) {
      this.segment = segment;
      this.wanted = wanted;
    }

    RedisCommand<ScanResult<byte[]>> nextPage() {
      byte[] key = payloads(segment);
      return new RedisCommand<>(
          key, redis.sscan(key, cursor, new ScanParams().count(count)), PAGE_BYTES, null);
    }

    /** Returns whether there is more to read, and to find. */
    boolean take(ScanResult<byte[]> page, Visitor visitor) throws InterruptedException {
      long bytes = 0;
      for (byte[] member : page.getResult()) {
        bytes += member.length;
        if (member.length <= MergedLayout.ID_DIGITS) {
          continue; // None of ours.
        }
        long id = id(member);
        if (wanted.contains(id)) {
          byte[] stored = Arrays.copyOfRange(member, MergedLayout.ID_DIGITS, member.length);
          byte[] frames = frames(segment, id, stored);
          if (frames != null) {
            visitor.payload(segment, id, frames);
            wanted.remove(id);
          }
        }
      }
      if (bytes > 0) {
        long average = Math.max(1, bytes / page.getResult().size());
        count = (int) Math.max(1, Math.min(IDS_A_PAGE, PAGE_BYTES / average));
      }
      cursor = page.getCursorAsBytes();
      return !page.isCompleteIteration() && !wanted.isEmpty();
    }
  }

  private byte[] frames(AbandonedSegment segment, long id, byte[] stored) {
    if (stored == null) {
      return null;
    }
    try {
      return compression.decompress(stored, MOST_BYTES);
    } catch (IllegalArgumentException e) {
      LOG.warn(
          "A payload of subsegment {} of trace {} cannot be read, so counts as lost: {}",
          Hex.id(id),
          segment.trace(),
          e.getMessage());
      return null;
    }
  }

  private static AbandonedSegment segment(String key) {
    Matcher parts = ASIDE_KEY.matcher(key);
    if (!parts.matches()) {
      LOG.warn("The key {} names no segment; it is left alone.", key);
      return null;
    }
    try {
      long project = Long.parseLong(parts.group(1));
      TraceKey trace =
          new TraceKey(project, Hex.parseId(parts.group(2)), Hex.parseId(parts.group(3)));
      return new AbandonedSegment(trace, Hex.parseId(parts.group(4)));
    } catch (NumberFormatException e) {
      LOG.warn("The key {} names no project; it is left alone.", key);
      return null;
    }
  }

  private static byte[] members(AbandonedSegment segment) {
    return ascii(RedisKeys.asideMembers(segment.trace(), segment.segmentId()));
  }

  private static byte[] payloads(AbandonedSegment segment) {
    return ascii(RedisKeys.asidePayloads(segment.trace(), segment.segmentId()));
  }

  private static long id(byte[] member) {
    return Hex.parseId(new String(member, 0, ID_DIGITS, US_ASCII));
  }

  private static byte[] ascii(String text) {
    return text.getBytes(US_ASCII);
  }
}

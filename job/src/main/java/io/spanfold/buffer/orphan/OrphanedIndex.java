package io.spanfold.buffer.orphan;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.core.encoding.Hex;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/**
 * The index of a quarantined trace: its subsegments and the segment of each. Not thread-safe.
 *
 * <p>Read in pages, because a trace may have a million spans; only the fields that lead to payloads
 * are transferred.
 */
final class OrphanedIndex {

  /** A pattern of the fields that are used here. */
  private static final String FIELDS = "[ms]*";

  /** A letter and an id. */
  private static final int NAME_LENGTH = 17;

  private static final String MERGED = "merged";

  /** Fields of an index scanned or read in one command. */
  private static final int PAGE = 1_000;

  /** Estimate of a page of a small index. */
  private static final long PAGE_BYTES = 1_000;

  private static final String START = ScanParams.SCAN_POINTER_START;

  /** Subsegments, and the segments that they were filed under by their names at that time. */
  private final Map<Long, Long> filedUnder = new LinkedHashMap<>();

  private final Set<Long> segments = new LinkedHashSet<>();

  /** Redirects of names of segments, not of all spans. */
  private final Map<Long, Long> redirects = new HashMap<>();

  private final Set<Long> unread = new LinkedHashSet<>();

  private boolean merged;

  /** Adds a field of the index. A field may come twice; irrelevant fields are ignored. */
  void field(String name, String value) {
    if (name.equals(MERGED)) {
      merged = true;
    } else if (name.length() == NAME_LENGTH && name.charAt(0) == 's') {
      segments.add(Hex.parseId(name.substring(1)));
    } else if (name.length() == NAME_LENGTH && name.charAt(0) == 'm') {
      long segment = Hex.parseId(value);
      filedUnder.put(Hex.parseId(name.substring(1)), segment);
      unread.add(segment);
    }
  }

  /** Returns names whose redirects must be read; to be called after all fields are added. */
  List<Long> unread() {
    unread.removeAll(segments);
    return List.copyOf(unread);
  }

  /** Adds a redirect; null if there is none. */
  void redirect(long name, String to) {
    long next = to == null ? name : Hex.parseId(to);
    redirects.put(name, next);
    unread.remove(name);
    if (!redirects.containsKey(next)) {
      unread.add(next);
    }
  }

  Collection<Long> subsegments() {
    return filedUnder.keySet();
  }

  /** Returns the current segment of a subsegment. */
  long segmentOf(long subsegment) {
    return end(filedUnder.get(subsegment));
  }

  /** Returns the segments that may have merged payloads. */
  Collection<Long> segmentsWithMergedPayloads() {
    return merged ? segments : List.of();
  }

  /** A cycle, which only contradicting records make, ends at its lowest id. */
  private long end(long name) {
    Set<Long> passed = new LinkedHashSet<>();
    long at = name;
    while (passed.add(at) && next(at) != at) {
      at = next(at);
    }
    long end = at;
    for (long id = next(at); id != at; id = next(id)) {
      end = Math.min(end, id);
    }
    for (long id : passed) {
      redirects.put(id, end);
    }
    return end;
  }

  private long next(long name) {
    return redirects.getOrDefault(name, name);
  }

  /**
   * Returns the index of each trace.
   *
   * @throws io.spanfold.buffer.redis.StoreException if Redis does not answer within the time for
   *     retries
   */
  static Map<OrphanedTrace, OrphanedIndex> read(
      RedisPipelines pipelines, List<OrphanedTrace> traces) {
    Map<OrphanedTrace, OrphanedIndex> indexes = new LinkedHashMap<>();
    traces.forEach(trace -> indexes.put(trace, new OrphanedIndex()));
    readFields(pipelines, indexes);
    while (readRedirects(pipelines, indexes)) {
      // The redirects that were just read lead to further names.
    }
    return indexes;
  }

  private static void readFields(
      RedisPipelines pipelines, Map<OrphanedTrace, OrphanedIndex> indexes) {
    Map<OrphanedTrace, String> open = new LinkedHashMap<>();
    indexes.keySet().forEach(trace -> open.put(trace, START));
    ScanParams page = new ScanParams().match(FIELDS).count(PAGE);
    while (!open.isEmpty()) {
      List<OrphanedTrace> asked = List.copyOf(open.keySet());
      List<RedisCommand<ScanResult<Map.Entry<String, String>>>> scans = new ArrayList<>();
      for (OrphanedTrace trace : asked) {
        String key = trace.indexKey();
        scans.add(
            RedisCommand.of(
                key.getBytes(US_ASCII), REDIS.hscan(key, open.get(trace), page), PAGE_BYTES));
      }
      List<ScanResult<Map.Entry<String, String>>> pages =
          pipelines.send("read %d quarantined traces in Redis".formatted(asked.size()), scans);
      for (int i = 0; i < asked.size(); i++) {
        OrphanedIndex index = indexes.get(asked.get(i));
        pages.get(i).getResult().forEach(field -> index.field(field.getKey(), field.getValue()));
        if (pages.get(i).isCompleteIteration()) {
          open.remove(asked.get(i));
        } else {
          open.put(asked.get(i), pages.get(i).getCursor());
        }
      }
    }
  }

  /** Returns whether there was anything to read. */
  private static boolean readRedirects(
      RedisPipelines pipelines, Map<OrphanedTrace, OrphanedIndex> indexes) {
    List<Asked> asked = new ArrayList<>();
    List<RedisCommand<List<String>>> gets = new ArrayList<>();
    indexes.forEach(
        (trace, index) -> {
          List<Long> names = index.unread();
          for (int from = 0; from < names.size(); from += PAGE) {
            List<Long> some = names.subList(from, Math.min(names.size(), from + PAGE));
            String key = trace.indexKey();
            String[] fields = some.stream().map(Hex::id).toArray(String[]::new);
            asked.add(new Asked(index, some));
            gets.add(
                RedisCommand.of(
                    key.getBytes(US_ASCII),
                    REDIS.hmget(key, fields),
                    (long) fields.length * Long.BYTES * 4));
          }
        });
    List<List<String>> answers =
        pipelines.send("follow the redirects of %d traces".formatted(gets.size()), gets);
    for (int i = 0; i < asked.size(); i++) {
      for (int j = 0; j < asked.get(i).names.size(); j++) {
        asked.get(i).index.redirect(asked.get(i).names.get(j), answers.get(i).get(j));
      }
    }
    return !asked.isEmpty();
  }

  private record Asked(OrphanedIndex index, List<Long> names) {}
}

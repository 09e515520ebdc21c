package io.spanfold.buffer.orphan;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.core.encoding.Hex;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/**
 * Reads the indexes of several quarantined traces at once. In pages, because a trace may have a
 * million spans; only the fields that lead to payloads are transferred.
 */
final class OrphanedIndexReader {

  /** Fields of an index scanned or read in one command. */
  private static final int PAGE = 1_000;

  /** Estimate of a page of a small index. */
  private static final long PAGE_BYTES = 1_000;

  private static final String START = ScanParams.SCAN_POINTER_START;

  private final RedisPipelines pipelines;

  OrphanedIndexReader(RedisPipelines pipelines) {
    this.pipelines = pipelines;
  }

  /**
   * Returns the index of each trace.
   *
   * @throws io.spanfold.buffer.redis.StoreException if Redis does not answer within the time for
   *     retries
   */
  Map<OrphanedTrace, OrphanedIndex> read(List<OrphanedTrace> traces) {
    Map<OrphanedTrace, OrphanedIndex> indexes = new LinkedHashMap<>();
    traces.forEach(trace -> indexes.put(trace, new OrphanedIndex()));
    readFields(indexes);
    while (readRedirects(indexes)) {
      // The redirects just read lead to further names.
    }
    return indexes;
  }

  private void readFields(Map<OrphanedTrace, OrphanedIndex> indexes) {
    Map<OrphanedTrace, String> open = new LinkedHashMap<>();
    indexes.keySet().forEach(trace -> open.put(trace, START));
    ScanParams page = new ScanParams().match(OrphanedIndex.FIELDS).count(PAGE);
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
  private boolean readRedirects(Map<OrphanedTrace, OrphanedIndex> indexes) {
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

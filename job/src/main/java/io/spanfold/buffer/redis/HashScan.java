package io.spanfold.buffer.redis;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/**
 * Scans the fields of several hashes at the same time, page by page. A field that exists during the
 * whole scan is visited at least once. If a command had to be sent again, a hash may be on another
 * node now, where its cursor means nothing: then all open scans begin again.
 */
public final class HashScan {

  private final RedisPipelines pipelines;
  private final String what;
  private final ScanParams page;
  private final long pageBytes;

  /** Receives fields. */
  @FunctionalInterface
  public interface Visitor {
    /**
     * Receives a field.
     *
     * @param hash which of the hashes it is of, from 0
     */
    void field(int hash, byte[] name, byte[] value);
  }

  /** Pages with retries after which scans begin again; more cannot be from moves of a hash. */
  private static final int MOST_BEGUN_AGAIN = 10;

  private record Open(int hash, byte[] cursor) {
    boolean isFirst() {
      return cursor == ScanParams.SCAN_POINTER_START_BINARY;
    }
  }

  /**
   * Creates a scan.
   *
   * @param what the purpose, in words that complete "cannot"
   * @param pattern of the names of fields; {@code *} for all
   * @param count how many fields are examined in one call
   * @param pageBytes estimate of the fields that a call returns
   */
  public HashScan(
      RedisPipelines pipelines, String what, byte[] pattern, int count, long pageBytes) {
    this.pipelines = pipelines;
    this.what = what;
    this.page = new ScanParams().match(pattern).count(count);
    this.pageBytes = pageBytes;
  }

  /**
   * Passes the fields of {@code hashes} to {@code visitor}.
   *
   * @throws StoreException if Redis does not answer within the time for retries
   */
  public void visit(List<byte[]> hashes, Visitor visitor) {
    List<Open> open =
        IntStream.range(0, hashes.size())
            .mapToObj(hash -> new Open(hash, ScanParams.SCAN_POINTER_START_BINARY))
            .toList();
    int begunAgain = 0;
    while (!open.isEmpty()) {
      long retried = pipelines.retried();
      List<ScanResult<Map.Entry<byte[], byte[]>>> pages =
          pipelines.send(
              what, open.stream().map(each -> next(hashes.get(each.hash), each.cursor)).toList());
      boolean disturbed = pipelines.retried() != retried && begunAgain < MOST_BEGUN_AGAIN;
      begunAgain += disturbed ? 1 : 0;
      List<Open> left = new ArrayList<>();
      for (int i = 0; i < pages.size(); i++) {
        int hash = open.get(i).hash;
        pages
            .get(i)
            .getResult()
            .forEach(field -> visitor.field(hash, field.getKey(), field.getValue()));
        boolean complete = pages.get(i).isCompleteIteration();
        if (disturbed && !(complete && open.get(i).isFirst())) {
          left.add(new Open(hash, ScanParams.SCAN_POINTER_START_BINARY));
        } else if (!complete) {
          left.add(new Open(hash, pages.get(i).getCursorAsBytes()));
        }
      }
      open = left;
    }
  }

  private RedisCommand<ScanResult<Map.Entry<byte[], byte[]>>> next(byte[] hash, byte[] cursor) {
    return RedisCommand.of(hash, REDIS.hscan(hash, cursor, page), pageBytes);
  }
}

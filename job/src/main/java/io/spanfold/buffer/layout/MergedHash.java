package io.spanfold.buffer.layout;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/**
 * A hash of merged payloads that is read page by page. A page has about a megabyte, and at most
 * 1,000 payloads, which bounds how long a node is busy with it. If a command had to be sent again,
 * the hash may be on another node now, where its cursor means nothing: then it is read from its
 * beginning again.
 */
public final class MergedHash {

  private static final long PAGE_BYTES = 1L << 20;
  private static final int MAX_PAGE = 1_000;

  /** The page size while fewer payloads are known: the others may be far larger. */
  private static final int FIRST_PAGE = 10;

  /** Pages with retries after which a hash is read again; more cannot be from moves of it. */
  private static final int MOST_BEGUN_AGAIN = 10;

  private final byte[] key;
  private byte[] cursor = ScanParams.SCAN_POINTER_START_BINARY;
  private boolean complete;
  private int begunAgain;

  /** Of the payloads that were read, or that the caller expects. */
  private long bytes;

  private int members;

  /** A payload of a page. */
  public record Member(long subsegment, byte[] payload) {}

  /** Creates a reader of the hash at {@code key}. */
  public MergedHash(String key) {
    this.key = RedisKeys.ascii(key);
  }

  /** Notes that a payload of {@code payloadBytes} is in the hash. */
  void expect(long payloadBytes) {
    bytes += payloadBytes;
    members++;
  }

  /** Returns whether the whole hash was read. */
  public boolean isComplete() {
    return complete;
  }

  /**
   * Reads the next page of each hash.
   *
   * @return the payloads of each page, in the order of {@code hashes}
   */
  public static List<List<Member>> nextPages(RedisPipelines pipelines, List<MergedHash> hashes) {
    long retried = pipelines.retried();
    List<ScanResult<Map.Entry<byte[], byte[]>>> pages =
        pipelines.send(
            "read %d hashes of merged payloads from Redis".formatted(hashes.size()),
            hashes.stream().map(MergedHash::nextPage).toList());
    boolean disturbed = pipelines.retried() != retried;
    List<List<Member>> members = new ArrayList<>(hashes.size());
    for (int i = 0; i < pages.size(); i++) {
      members.add(hashes.get(i).take(pages.get(i), disturbed));
    }
    return members;
  }

  private RedisCommand<ScanResult<Map.Entry<byte[], byte[]>>> nextPage() {
    long average = members == 0 ? PAGE_BYTES / FIRST_PAGE : Math.max(1, bytes / members);
    int known = Math.max(FIRST_PAGE, members);
    int count = (int) Math.max(1, Math.min(Math.min(MAX_PAGE, known), PAGE_BYTES / average));
    return RedisCommand.of(
        key, REDIS.hscan(key, cursor, new ScanParams().count(count)), count * average);
  }

  private List<Member> take(ScanResult<Map.Entry<byte[], byte[]>> page, boolean disturbed) {
    List<Member> found = new ArrayList<>(page.getResult().size());
    for (Map.Entry<byte[], byte[]> field : page.getResult()) {
      bytes += field.getValue().length;
      members++;
      if (field.getKey().length == Long.BYTES) {
        found.add(new Member(ByteBuffer.wrap(field.getKey()).getLong(), field.getValue()));
      }
    }
    boolean whole = cursor == ScanParams.SCAN_POINTER_START_BINARY && page.isCompleteIteration();
    if (disturbed && !whole && begunAgain < MOST_BEGUN_AGAIN) {
      begunAgain++;
      cursor = ScanParams.SCAN_POINTER_START_BINARY;
    } else {
      cursor = page.getCursorAsBytes();
      complete = page.isCompleteIteration();
    }
    return found;
  }
}

package io.spanfold.buffer.layout;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;

import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/**
 * A set of merged payloads that is read page by page. A page has about a megabyte, and at most
 * 1,000 members, which bounds how long a node is busy with it.
 */
public final class MergedSet {

  private static final long PAGE_BYTES = 1L << 20;
  private static final int MAX_PAGE = 1_000;

  /** The page size while fewer members are known: the others may be far larger. */
  private static final int FIRST_PAGE = 10;

  private final byte[] key;
  private byte[] cursor = ScanParams.SCAN_POINTER_START_BINARY;
  private boolean complete;

  /** Of the members that were read, or that the caller expects. */
  private long bytes;

  private int members;

  /** A member of a page. */
  public record Member(long subsegment, byte[] payload) {}

  /** Creates a reader of the set at {@code key}. */
  public MergedSet(String key) {
    this.key = RedisKeys.ascii(key);
  }

  /** Notes that a member with a payload of {@code payloadBytes} is in the set. */
  void expect(long payloadBytes) {
    bytes += payloadBytes;
    members++;
  }

  /** Returns whether the whole set was read. */
  public boolean isComplete() {
    return complete;
  }

  /**
   * Reads the next page of each set.
   *
   * @return the members of each page, in the order of {@code sets}
   */
  public static List<List<Member>> nextPages(RedisPipelines pipelines, List<MergedSet> sets) {
    List<ScanResult<byte[]>> pages =
        pipelines.send(
            "read %d merged sets from Redis".formatted(sets.size()),
            sets.stream().map(MergedSet::nextPage).toList());
    List<List<Member>> members = new ArrayList<>(sets.size());
    for (int i = 0; i < pages.size(); i++) {
      members.add(sets.get(i).take(pages.get(i)));
    }
    return members;
  }

  private RedisCommand<ScanResult<byte[]>> nextPage() {
    long average = members == 0 ? PAGE_BYTES / FIRST_PAGE : Math.max(1, bytes / members);
    int known = Math.max(FIRST_PAGE, members);
    int count = (int) Math.max(1, Math.min(Math.min(MAX_PAGE, known), PAGE_BYTES / average));
    return RedisCommand.of(
        key, REDIS.sscan(key, cursor, new ScanParams().count(count)), count * average);
  }

  private List<Member> take(ScanResult<byte[]> page) {
    List<Member> found = new ArrayList<>(page.getResult().size());
    for (byte[] member : page.getResult()) {
      bytes += member.length;
      members++;
      if (member.length > Long.BYTES) {
        long id = ByteBuffer.wrap(member).getLong();
        found.add(new Member(id, Arrays.copyOfRange(member, Long.BYTES, member.length)));
      }
    }
    cursor = page.getCursorAsBytes();
    complete = page.isCompleteIteration();
    return found;
  }
}

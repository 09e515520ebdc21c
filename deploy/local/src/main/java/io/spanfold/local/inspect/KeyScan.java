package io.spanfold.local.inspect;

import java.util.List;
import java.util.function.Consumer;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/** Walks through the keys of a node without blocking it, by {@code SCAN}. */
public final class KeyScan {

  private static final int PAGE = 1_000;

  private KeyScan() {}

  /**
   * Hands on all keys that match, in pages of about a thousand. What is there from beginning to end
   * comes at least once; it may come twice.
   *
   * @param pattern as {@code SCAN} takes it
   */
  public static void pages(Jedis node, String pattern, Consumer<List<String>> visit) {
    ScanParams parameters = new ScanParams().count(PAGE).match(pattern);
    String cursor = ScanParams.SCAN_POINTER_START;
    do {
      ScanResult<String> page = node.scan(cursor, parameters);
      if (!page.getResult().isEmpty()) {
        visit.accept(page.getResult());
      }
      cursor = page.getCursor();
    } while (!cursor.equals(ScanParams.SCAN_POINTER_START));
  }

  /** Returns what kind of key it is: the word behind {@code span-buf:}, or {@code foreign}. */
  public static String kind(String key) {
    String[] parts = key.split(":", 3);
    return parts.length > 1 && parts[0].equals("span-buf") ? parts[1] : "foreign";
  }
}

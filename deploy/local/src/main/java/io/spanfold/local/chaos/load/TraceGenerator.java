package io.spanfold.local.chaos.load;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.local.chaos.load.PlannedRecord.PlannedSpan;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;

/**
 * Generates traces of random shape, size, order and delay, including late spans, repeated records,
 * segments larger than a part, and bad records. The same seed gives the same records. Not
 * thread-safe.
 *
 * <p>{@link Times} guarantees that the record timestamps alone determine each span's segment: all
 * ancestors of a span are sent within the timeout of a part without root, and late spans while the
 * job still remembers their segment.
 */
public final class TraceGenerator {

  private static final HexFormat HEX = HexFormat.of();
  private static final int MAX_PROJECTS = 5;
  private static final int LARGE_PADDING = 6_000;

  private final Random random;
  private final Times times;
  private final int tooLargeBytes;
  private long badRecords;

  /**
   * Times in ms.
   *
   * @param spread the range in which a trace is sent, without its late spans
   * @param lateAfter the minimum delay of a late span after the other spans
   * @param lateBefore the maximum delay of a late span
   * @param repeatedWithin the maximum delay of a repeated record
   */
  public record Times(int spread, int lateAfter, int lateBefore, int repeatedWithin) {}

  /**
   * Starts a sequence of traces.
   *
   * @param tooLargeBytes the record size from which the job rejects a span
   */
  public TraceGenerator(long seed, Times times, int tooLargeBytes) {
    this.random = new Random(seed);
    this.times = times;
    this.tooLargeBytes = tooLargeBytes;
  }

  /** Returns the records of the next trace, which starts at {@code startMillis}, by due time. */
  public List<PlannedRecord> nextTrace(long startMillis) {
    String traceId = hex(16);
    List<Node> nodes = tree();
    spreadOut(nodes);
    boolean keyed = random.nextInt(10) > 0;
    boolean named = random.nextInt(20) == 0;
    boolean dashed = random.nextInt(10) == 0;
    boolean large = nodes.size() >= 20 && random.nextInt(6) == 0;
    List<PlannedRecord> records = new ArrayList<>();
    for (Node node : nodes) {
      String padding = padding(large ? LARGE_PADDING : 60 + random.nextInt(400));
      String shownId = dashed ? dashed(traceId) : traceId;
      byte[] value = json(node, shownId, named, padding).getBytes(UTF_8);
      String key = keyed ? traceId : null;
      long due = startMillis + node.delay;
      PlannedSpan span =
          new PlannedSpan(
              node.project + ":" + traceId,
              node.id,
              node.segmentId(),
              PlannedSpan.checksum(padding),
              false);
      records.add(new PlannedRecord(due, key, value, span));
      if (random.nextInt(30) == 0) {
        long again = due + random.nextInt(times.repeatedWithin());
        PlannedSpan copy =
            new PlannedSpan(span.trace(), span.spanId(), span.segmentId(), span.checksum(), true);
        records.add(new PlannedRecord(again, key, value, copy));
      }
    }
    if (random.nextInt(10) == 0) {
      records.add(badRecord(startMillis + random.nextInt(times.spread())));
    }
    records.sort(Comparator.comparingLong(PlannedRecord::dueMillis));
    return records;
  }

  private List<Node> tree() {
    int size = size();
    int shape = random.nextInt(3);
    int project = 1 + random.nextInt(MAX_PROJECTS);
    List<Node> nodes = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      Node node = new Node(hex(8));
      if (i == 0) {
        node.project = project;
        // Sometimes the root is never sent.
        node.parentId = random.nextInt(10) == 0 ? hex(8) : null;
      } else {
        int at = shape == 0 ? i - 1 : shape == 1 ? random.nextInt(i) : random.nextInt(1 + i / 8);
        node.parent = nodes.get(at);
        node.parentId = node.parent.id;
        boolean elsewhere = random.nextInt(30) == 0;
        node.project = elsewhere ? MAX_PROJECTS + node.parent.project : node.parent.project;
        node.marked = random.nextInt(elsewhere ? 2 : 25) == 0;
        node.parent.leaf = false;
      }
      nodes.add(node);
    }
    return nodes;
  }

  private int size() {
    int kind = random.nextInt(100);
    return kind < 65
        ? 1 + random.nextInt(10)
        : kind < 95 ? 10 + random.nextInt(25) : 60 + random.nextInt(100);
  }

  /** Sets each span's delay: in order, reversed, or random; some leaves are late. */
  private void spreadOut(List<Node> nodes) {
    int order = random.nextInt(3);
    boolean hasLate = random.nextInt(6) == 0;
    int size = nodes.size();
    for (int i = 0; i < size; i++) {
      Node node = nodes.get(i);
      double place =
          order == 0
              ? (double) i / size
              : order == 1 ? (double) (size - 1 - i) / size : random.nextDouble();
      node.delay = (int) (place * times.spread());
      if (hasLate && node.leaf && i > 0 && random.nextInt(4) == 0) {
        int range = times.lateBefore() - times.lateAfter();
        node.delay = times.spread() + times.lateAfter() + random.nextInt(range);
      }
    }
  }

  private String json(Node node, String traceId, boolean named, String padding) {
    StringBuilder json = new StringBuilder();
    json.append("{\"organization_id\":1,\"project_id\":").append(node.project);
    json.append(",\"trace_id\":\"").append(traceId);
    json.append("\",\"span_id\":\"").append(node.id).append('"');
    if (node.parentId != null) {
      json.append(",\"parent_span_id\":\"").append(node.parentId).append('"');
    } else if (random.nextBoolean()) {
      json.append(",\"parent_span_id\":null");
    }
    if (node.marked) {
      json.append(",\"is_segment\":true");
    } else if (random.nextBoolean()) {
      json.append(",\"is_segment\":").append(node.parentId == null);
    }
    json.append(",\"end_timestamp\":").append(1_700_000_000 + node.delay / 1_000.0);
    if (named && node.parentId != null && !node.marked) {
      json.append(",\"attributes\":{\"sentry.segment.id\":{\"type\":\"string\",\"value\":\"")
          .append(node.segmentId())
          .append("\"}}");
    }
    return json.append(",\"padding\":\"").append(padding).append("\"}").toString();
  }

  private PlannedRecord badRecord(long dueMillis) {
    badRecords++;
    String good =
        "{\"organization_id\":1,\"project_id\":1,\"trace_id\":\"%s\",\"span_id\":\"%s\",\"end_timestamp\":1,\"n\":%s}";
    String trace = hex(16);
    String span = hex(8);
    byte[] value =
        switch (random.nextInt(7)) {
          case 0 -> "no json".getBytes(UTF_8);
          case 1 -> good.formatted("x".repeat(32), span, "1").getBytes(UTF_8);
          case 2 -> good.formatted(trace, span.substring(1), "1").getBytes(UTF_8);
          case 3 ->
              good.replace("\"span_id\"", "\"span\"").formatted(trace, span, 1).getBytes(UTF_8);
          case 4 -> new byte[] {'{', '"', (byte) 0xff, '"', ':', '1', '}'};
          case 5 -> good.formatted(trace, span, "[".repeat(500) + "]".repeat(500)).getBytes(UTF_8);
          default ->
              good.formatted(trace, span, '"' + padding(tooLargeBytes) + '"').getBytes(UTF_8);
        };
    return new PlannedRecord(dueMillis, "bad-" + badRecords, value, null);
  }

  private String padding(int length) {
    byte[] bytes = new byte[(length + 1) / 2];
    random.nextBytes(bytes);
    return HEX.formatHex(bytes);
  }

  private String hex(int bytes) {
    byte[] id = new byte[bytes];
    random.nextBytes(id);
    return HEX.formatHex(id);
  }

  private static String dashed(String id) {
    return String.join(
        "-",
        id.substring(0, 8),
        id.substring(8, 12),
        id.substring(12, 16),
        id.substring(16, 20),
        id.substring(20));
  }

  /** A span of a trace under construction. */
  private static final class Node {
    private final String id;
    private Node parent;
    private String parentId;
    private int project;
    private boolean marked;
    private boolean leaf = true;
    private int delay;

    Node(String id) {
      this.id = id;
    }

    /** Follows the parents to a root, or to a parent that is missing or in another project. */
    String segmentId() {
      Node at = this;
      while (at.parentId != null && !at.marked) {
        if (at.parent == null || at.parent.project != at.project) {
          return at.parentId;
        }
        at = at.parent;
      }
      return at.id;
    }
  }
}

package io.spanfold.local.chaos.load;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.local.chaos.load.DeliveryReport.Finding;
import io.spanfold.local.chaos.load.DeliveryReport.Flaw;
import io.spanfold.local.chaos.load.PlannedRecord.PlannedSpan;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Compares the output with the input, span by span. Thread-safe.
 *
 * <p>Every span must be emitted once, unchanged, under the id of its segment, in whatever parts and
 * messages. A part that was flushed early because of memory pressure ({@code flush-reason} {@code
 * pressure}) may have a preliminary segment id; such spans are only counted.
 *
 * <p>Records that were deleted from the source topic before the job read them must not be emitted.
 * Outcomes with the reason {@code offsets-lost} must report exactly as many.
 */
public final class DeliveryVerifier {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SEGMENT_ID = "sentry.segment.id";
  private static final String OFFSETS_LOST = "offsets-lost";

  private final Map<String, Entry> spans = new HashMap<>();
  private final Map<String, Entry> badRecords = new HashMap<>();
  private final List<Finding> findings = new ArrayList<>();
  private long copies;
  private long emittedSpans;
  private long outcomes;
  private long deleted;
  private long reportedDeleted;
  private long lastDeletedMillis;
  private long namedUnderPressure;

  /** A record that was sent, and how often it was read. */
  private static final class Entry {
    private final PlannedSpan span;
    private final long sentMillis;
    private int seen;

    Entry(PlannedSpan span, long sentMillis) {
      this.span = span;
      this.sentMillis = sentMillis;
    }
  }

  /** Adds a record that is about to be sent. */
  public synchronized void sent(PlannedRecord planned, long nowMillis) {
    if (planned.span() == null) {
      badRecords.put(planned.key(), new Entry(null, nowMillis));
    } else if (planned.span().copy()) {
      copies++;
    } else {
      spans.put(key(planned.span()), new Entry(planned.span(), nowMillis));
    }
  }

  /** Takes back spans that were deleted from the source topic before the job could read them. */
  public synchronized void deleted(List<PlannedRecord> records, long nowMillis) {
    records.forEach(planned -> spans.remove(key(planned.span())));
    deleted += records.size();
    lastDeletedMillis = nowMillis;
  }

  private static String key(PlannedSpan span) {
    return span.trace() + ":" + span.spanId();
  }

  /**
   * Checks a message of a segment.
   *
   * @param reason its header {@code flush-reason}
   * @param nowMillis when it was read, in epoch ms
   */
  public synchronized void segment(String key, String reason, byte[] value, long nowMillis)
      throws IOException {
    for (JsonNode span : JSON.readTree(value).path("spans")) {
      emitted(key, reason, span, nowMillis);
    }
  }

  private void emitted(String key, String reason, JsonNode span, long nowMillis) {
    String id =
        span.path("project_id").asText()
            + ":"
            + span.path("trace_id").asText().replace("-", "")
            + ":"
            + span.path("span_id").asText();
    Entry entry = spans.get(id);
    if (entry == null) {
      found(Flaw.UNKNOWN, id, nowMillis, nowMillis, "was never sent, or was deleted");
      return;
    }
    emittedSpans++;
    if (++entry.seen > 1) {
      found(Flaw.DOUBLED, id, entry.sentMillis, nowMillis, "seen " + entry.seen + " times");
      return;
    }
    if (!PlannedSpan.checksum(span.path("padding").asText()).equals(entry.span.checksum())) {
      found(Flaw.ALTERED, id, entry.sentMillis, nowMillis, "its padding differs");
    }
    String segment = span.path("attributes").path(SEGMENT_ID).path("value").asText();
    boolean named = segment.equals(entry.span.segmentId());
    if (!named && reason.equals("pressure")) {
      namedUnderPressure++;
    } else if (!named || !key.equals(entry.span.trace())) {
      found(
          Flaw.MISPLACED,
          id,
          entry.sentMillis,
          nowMillis,
          "in segment %s of %s, not %s, by reason %s"
              .formatted(segment, key, entry.span.segmentId(), reason));
    }
    if (span.path("is_segment").asBoolean() != segment.equals(entry.span.spanId())) {
      found(Flaw.ALTERED, id, entry.sentMillis, nowMillis, "is_segment is not as it must be");
    }
  }

  /** Checks a dead letter by its key. */
  public synchronized void deadLetter(String key, long nowMillis) {
    Entry entry = badRecords.get(key);
    if (entry == null) {
      found(Flaw.UNKNOWN, "dead letter " + key, nowMillis, nowMillis, "was no bad record");
    } else if (++entry.seen > 1) {
      found(Flaw.DOUBLED, "dead letter " + key, entry.sentMillis, nowMillis, "seen again");
    }
  }

  /** Adds an outcome, which reports spans that will never be emitted. */
  public synchronized void outcome(String reason, long quantity) {
    if (reason.equals(OFFSETS_LOST)) {
      reportedDeleted += quantity;
    } else {
      outcomes += quantity;
    }
  }

  private void found(Flaw flaw, String what, long sentMillis, long nowMillis, String detail) {
    findings.add(new Finding(flaw, what, sentMillis, nowMillis, detail));
  }

  /** Returns the number of distinct spans that were sent. */
  public synchronized long sentSpans() {
    return spans.size();
  }

  /** Returns whether all of these spans have been emitted. */
  public synchronized boolean hasEmitted(List<PlannedRecord> records) {
    return records.stream().allMatch(planned -> spans.get(key(planned.span())).seen > 0);
  }

  /** Returns the number of spans and dead letters that have not been read yet. */
  public synchronized long missing() {
    return spans.values().stream().filter(e -> e.seen == 0).count()
        + badRecords.values().stream().filter(e -> e.seen == 0).count();
  }

  /** Returns the number of spans that were emitted, duplicates included. */
  public synchronized long emittedSpans() {
    return emittedSpans;
  }

  /** Returns the result so far; spans that were not read yet count as lost. */
  public synchronized DeliveryReport report(long nowMillis) {
    List<Finding> all = new ArrayList<>(findings);
    addLost(spans, "", nowMillis, all);
    addLost(badRecords, "dead letter ", nowMillis, all);
    if (reportedDeleted != deleted) {
      long at = deleted == 0 ? nowMillis : lastDeletedMillis;
      String detail = "report %d of %d deleted records".formatted(reportedDeleted, deleted);
      all.add(new Finding(Flaw.MISREPORTED, OFFSETS_LOST + " outcomes", at, at, detail));
    }
    return new DeliveryReport(
        spans.size(),
        copies,
        badRecords.size(),
        deleted,
        outcomes,
        namedUnderPressure,
        List.copyOf(all));
  }

  private static void addLost(
      Map<String, Entry> entries, String prefix, long nowMillis, List<Finding> to) {
    entries.forEach(
        (key, entry) -> {
          if (entry.seen == 0) {
            String segment = entry.span == null ? "" : "of segment " + entry.span.segmentId();
            to.add(new Finding(Flaw.LOST, prefix + key, entry.sentMillis, nowMillis, segment));
          }
        });
  }
}

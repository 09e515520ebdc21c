package io.spanfold.local.load;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.local.load.PlannedRecord.PlannedSpan;
import io.spanfold.local.load.Verdict.Finding;
import io.spanfold.local.load.Verdict.Flaw;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Holds what was sent against what came out, span by span. Thread-safe.
 *
 * <p>A span must come out once, whole, under the id of its segment; however it was divided into
 * parts and messages. A part that memory pressure flushed before its time ({@code flush-reason}
 * {@code pressure}) may bear the name that was known by then; these are only counted.
 */
public final class Ledger {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SEGMENT_ID = "sentry.segment.id";

  private final Map<String, Entry> spans = new HashMap<>();
  private final Map<String, Entry> badRecords = new HashMap<>();
  private final List<Finding> findings = new ArrayList<>();
  private long copies;
  private long cameOut;
  private long outcomes;
  private long namedUnderPressure;

  /** What was sent, and how often it has come out. */
  private static final class Entry {
    private final PlannedSpan span;
    private final long sentMillis;
    private int seen;

    Entry(PlannedSpan span, long sentMillis) {
      this.span = span;
      this.sentMillis = sentMillis;
    }
  }

  /** Takes note of a record that is about to be sent. */
  public synchronized void sent(PlannedRecord planned, long nowMillis) {
    if (planned.span() == null) {
      badRecords.put(planned.key(), new Entry(null, nowMillis));
    } else if (planned.span().copy()) {
      copies++;
    } else {
      spans.put(key(planned.span()), new Entry(planned.span(), nowMillis));
    }
  }

  private static String key(PlannedSpan span) {
    return span.trace() + ":" + span.spanId();
  }

  /**
   * Takes a message of a segment.
   *
   * @param key its key in Kafka
   * @param reason its header {@code flush-reason}
   * @param value its value
   * @param nowMillis when it was read
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
      found(Flaw.UNKNOWN, id, nowMillis, nowMillis, "was never sent");
      return;
    }
    cameOut++;
    if (++entry.seen > 1) {
      found(Flaw.DOUBLED, id, entry.sentMillis, nowMillis, "seen " + entry.seen + " times");
      return;
    }
    if (!Checksums.of(span.path("padding").asText()).equals(entry.span.checksum())) {
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

  /** Takes a dead letter by its key. */
  public synchronized void deadLetter(String key, long nowMillis) {
    Entry entry = badRecords.get(key);
    if (entry == null) {
      found(Flaw.UNKNOWN, "dead letter " + key, nowMillis, nowMillis, "was no bad record");
    } else if (++entry.seen > 1) {
      found(Flaw.DOUBLED, "dead letter " + key, entry.sentMillis, nowMillis, "seen again");
    }
  }

  /** Takes an outcome, which tells that spans will never come out. */
  public synchronized void outcome(long quantity) {
    outcomes += quantity;
  }

  private void found(Flaw flaw, String what, long sentMillis, long nowMillis, String detail) {
    findings.add(new Finding(flaw, what, sentMillis, nowMillis, detail));
  }

  /** Returns how many different spans were sent. */
  public synchronized long sentSpans() {
    return spans.size();
  }

  /** Returns how many spans and dead letters have not come out yet. */
  public synchronized long missing() {
    return spans.values().stream().filter(e -> e.seen == 0).count()
        + badRecords.values().stream().filter(e -> e.seen == 0).count();
  }

  /** Returns how many spans have come out, repetitions included. */
  public synchronized long cameOut() {
    return cameOut;
  }

  /** Judges: what has not come out by now counts as lost. */
  public synchronized Verdict verdict(long nowMillis) {
    List<Finding> all = new ArrayList<>(findings);
    addLost(spans, "", nowMillis, all);
    addLost(badRecords, "dead letter ", nowMillis, all);
    return new Verdict(
        spans.size(), copies, badRecords.size(), outcomes, namedUnderPressure, List.copyOf(all));
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

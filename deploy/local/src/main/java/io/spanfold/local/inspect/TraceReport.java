package io.spanfold.local.inspect;

import static io.spanfold.local.inspect.BufferOverview.number;

import io.spanfold.local.inspect.BufferedTrace.Payload;
import io.spanfold.local.inspect.BufferedTrace.Segment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** A trace in words, a line for each segment and subsegment. */
final class TraceReport {

  private final Duration ttl;

  TraceReport(Duration ttl) {
    this.ttl = ttl;
  }

  List<String> lines(BufferedTrace trace) {
    List<String> lines = new ArrayList<>();
    lines.add(
        "trace %s%s on %s: segments %s, subsegments %s, redirects %s%s"
            .formatted(
                trace.trace,
                trace.round == null ? "" : ", set aside (" + trace.round + "),",
                trace.node,
                number(trace.segments.size()),
                trace.counted == null ? "unknown" : trace.counted,
                number(trace.redirects()),
                trace.left == null ? "" : ", ends in " + text(trace.left)));
    TreeSet<String> orphans = new TreeSet<>(trace.distributed.keySet());
    orphans.addAll(trace.small.keySet());
    trace.segments.forEach(
        (id, segment) -> {
          lines.add("  segment " + id + ": " + told(segment));
          TreeSet<String> all = new TreeSet<>(segment.subsegments);
          all.addAll(segment.merged.keySet());
          for (String subsegment : all) {
            orphans.remove(subsegment);
            String unnamed = segment.subsegments.contains(subsegment) ? "" : "; not in the index";
            lines.add(
                "    subsegment %s: %s%s"
                    .formatted(
                        subsegment,
                        layouts(trace, segment.merged.get(subsegment), subsegment),
                        unnamed));
          }
        });
    orphans.forEach(
        id ->
            lines.add(
                "  subsegment %s: %s; not in the index".formatted(id, layouts(trace, null, id))));
    return lines;
  }

  private static String told(Segment segment) {
    List<String> facts = new ArrayList<>();
    if (segment.summary == null) {
      facts.add("not in the index");
    } else {
      facts.add(segment.summary.hasRoot() ? "root known" : "no root yet");
      facts.add("spans " + segment.summary.spans());
      facts.add("record bytes " + segment.summary.bytes());
    }
    if (!segment.formerNames.isEmpty()) {
      facts.add("formerly " + String.join(" ", segment.formerNames));
    }
    facts.add(
        segment.lock == null
            ? "not locked"
            : "locked by "
                + segment.lock
                + (segment.lockLeft == null ? "" : " for " + text(segment.lockLeft)));
    return String.join(", ", facts);
  }

  private String layouts(BufferedTrace trace, Payload merged, String subsegment) {
    List<String> layouts = new ArrayList<>();
    if (merged != null) {
      layouts.add("merged " + size(merged) + " on " + merged.node());
    }
    Payload small = trace.small.get(subsegment);
    if (small != null) {
      layouts.add("small " + size(small) + " on " + small.node());
    }
    Payload distributed = trace.distributed.get(subsegment);
    if (distributed != null) {
      layouts.add(
          "distributed " + size(distributed) + " on " + distributed.node() + age(distributed));
    }
    return layouts.isEmpty() ? "no payload" : String.join(" and ", layouts);
  }

  private static String size(Payload payload) {
    return number(payload.storedBytes())
        + " bytes ("
        + (payload.unpackedBytes() < 0 ? "of unknown form" : number(payload.unpackedBytes()))
        + (payload.unpackedBytes() < 0 ? ")" : " unpacked)");
  }

  /** A payload is written once, with the whole TTL. */
  private String age(Payload payload) {
    if (payload.left() == null) {
      return ", without TTL";
    }
    Duration age = ttl.minus(payload.left());
    return age.isNegative() ? ", ends in " + text(payload.left()) : ", " + text(age) + " old";
  }

  private static String text(Duration duration) {
    long seconds = duration.toSeconds();
    if (seconds < 60) {
      return seconds + " s";
    }
    return seconds < 3600
        ? "%d min %d s".formatted(seconds / 60, seconds % 60)
        : "%d h %d min".formatted(seconds / 3600, seconds % 3600 / 60);
  }
}

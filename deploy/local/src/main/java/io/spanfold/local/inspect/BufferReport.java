package io.spanfold.local.inspect;

import io.spanfold.buffer.inspect.BufferedTrace;
import io.spanfold.buffer.inspect.BufferedTrace.Payload;
import io.spanfold.buffer.inspect.BufferedTrace.Segment;
import io.spanfold.buffer.lease.LeaseHolder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import redis.clients.jedis.HostAndPort;

/** The lines that {@code inspect} prints. */
final class BufferReport {

  private BufferReport() {}

  static String lease(LeaseHolder holder) {
    return "buffer %s of job %s since %s, epoch %d, expires in %d s"
        .formatted(
            holder.buffer(),
            holder.job(),
            holder.since(),
            holder.epoch(),
            holder.left().toSeconds());
  }

  /** Returns one line per node. */
  static List<String> keys(Map<HostAndPort, Map<String, Long>> byNode) {
    return byNode.entrySet().stream()
        .map(node -> "%s: %s".formatted(node.getKey(), keyCounts(node.getValue())))
        .toList();
  }

  private static String keyCounts(Map<String, Long> kinds) {
    String sum = number(kinds.values().stream().mapToLong(Long::longValue).sum()) + " keys";
    return kinds.isEmpty()
        ? sum
        : kinds.entrySet().stream()
            .map(kind -> kind.getKey() + " " + number(kind.getValue()))
            .collect(Collectors.joining(", ", sum + " (", ")"));
  }

  /**
   * Returns one line per segment and per subsegment.
   *
   * @param redisTtl the job's {@code redis.ttl}: the age of a distributed payload is this less its
   *     TTL
   */
  static List<String> trace(BufferedTrace trace, Duration redisTtl) {
    List<String> lines = new ArrayList<>();
    lines.add(
        "trace %s%s on %s: segments %s, subsegments %s, redirects %s%s"
            .formatted(
                trace.trace(),
                trace.round().map(round -> ", quarantined (" + round + "),").orElse(""),
                trace.node(),
                number(trace.segments().size()),
                trace.subsegments().orElse("unknown"),
                number(trace.redirects()),
                trace.ttl().map(ttl -> ", ends in " + text(ttl)).orElse("")));
    TreeSet<String> withoutSegment = new TreeSet<>(trace.distributed().keySet());
    withoutSegment.addAll(trace.small().keySet());
    trace
        .segments()
        .forEach(
            (id, segment) -> {
              lines.add("  segment " + id + ": " + segment(segment));
              TreeSet<String> all = new TreeSet<>(segment.subsegments());
              all.addAll(segment.merged().keySet());
              for (String subsegment : all) {
                withoutSegment.remove(subsegment);
                lines.add(
                    "    subsegment %s: %s%s"
                        .formatted(
                            subsegment,
                            payloads(trace, segment.merged().get(subsegment), subsegment, redisTtl),
                            segment.subsegments().contains(subsegment)
                                ? ""
                                : "; not in the index"));
              }
            });
    withoutSegment.forEach(
        id ->
            lines.add(
                "  subsegment %s: %s; not in the index"
                    .formatted(id, payloads(trace, null, id, redisTtl))));
    return lines;
  }

  private static String segment(Segment segment) {
    List<String> facts = new ArrayList<>();
    segment
        .summary()
        .ifPresentOrElse(
            summary -> {
              facts.add(summary.hasRoot() ? "root known" : "no root yet");
              facts.add("spans " + summary.spans());
              facts.add("record bytes " + summary.bytes());
            },
            () -> facts.add("not in the index"));
    if (!segment.formerNames().isEmpty()) {
      facts.add("formerly " + String.join(" ", segment.formerNames()));
    }
    String lockTtl = segment.lockTtl().map(ttl -> " for " + text(ttl)).orElse("");
    facts.add(segment.lock().map(owner -> "locked by " + owner + lockTtl).orElse("not locked"));
    return String.join(", ", facts);
  }

  private static String payloads(
      BufferedTrace trace, Payload merged, String subsegment, Duration redisTtl) {
    List<String> payloads = new ArrayList<>();
    if (merged != null) {
      payloads.add("merged " + payload(merged));
    }
    Payload small = trace.small().get(subsegment);
    if (small != null) {
      payloads.add("small " + payload(small));
    }
    Payload distributed = trace.distributed().get(subsegment);
    if (distributed != null) {
      payloads.add("distributed " + payload(distributed) + age(distributed, redisTtl));
    }
    return payloads.isEmpty() ? "no payload" : String.join(" and ", payloads);
  }

  private static String payload(Payload payload) {
    String unpacked =
        payload.unpackedBytes() < 0
            ? "of unknown form"
            : number(payload.unpackedBytes()) + " unpacked";
    return "%s bytes (%s) on %s".formatted(number(payload.storedBytes()), unpacked, payload.node());
  }

  private static String age(Payload payload, Duration redisTtl) {
    if (payload.ttl() == null) {
      return ", without TTL";
    }
    Duration age = redisTtl.minus(payload.ttl());
    return age.isNegative() ? ", ends in " + text(payload.ttl()) : ", " + text(age) + " old";
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

  private static String number(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }
}

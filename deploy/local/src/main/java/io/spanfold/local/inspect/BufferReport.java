package io.spanfold.local.inspect;

import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.index.SubsegmentRecord;
import io.spanfold.buffer.inspect.BufferedTrace;
import io.spanfold.buffer.inspect.BufferedTrace.Payload;
import io.spanfold.buffer.inspect.BufferedTrace.Segment;
import io.spanfold.buffer.inspect.TraceSummary;
import io.spanfold.buffer.lease.LeaseHolder;
import io.spanfold.core.encoding.Hex;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
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

  /** Returns where traces are, or that it is unknown. */
  static String buckets(Optional<Buckets> buckets) {
    return buckets
        .map(
            known ->
                "buckets: %s, maximum parallelism %s"
                    .formatted(number(known.count()), number(known.maxParallelism())))
        .orElse("buckets: not recorded; nothing was written for as long as redis.ttl");
  }

  /** Returns one line per trace. */
  static List<String> traces(List<TraceSummary> traces, Instant now) {
    return traces.stream()
        .map(
            trace ->
                "trace %s%s: written %s ago, %s"
                    .formatted(
                        trace.trace(),
                        round(trace.round()),
                        text(Duration.between(trace.lastWrite(), now)),
                        trace.large()
                            ? "large"
                            : "segments %s, subsegments %s, spans %s, record bytes %s"
                                .formatted(
                                    number(trace.segments()),
                                    number(trace.subsegments()),
                                    number(trace.spans()),
                                    number(trace.recordBytes()))))
        .toList();
  }

  private static String round(OptionalInt round) {
    return round.isPresent() ? ", quarantined (" + round.getAsInt() + ")," : "";
  }

  /**
   * Returns one line per segment and per subsegment.
   *
   * @param redisTtl the job's {@code redis.ttl}: the age of a distributed payload is this less its
   *     TTL
   * @param now the time from which the age of the trace is computed
   */
  static List<String> trace(BufferedTrace trace, Duration redisTtl, Instant now) {
    List<String> lines = new ArrayList<>();
    lines.add(head(trace, now));
    TreeSet<String> withoutSegment = new TreeSet<>(trace.distributed().keySet());
    trace
        .segments()
        .forEach(
            (id, segment) -> {
              lines.add("  segment " + id + ": " + segment(segment));
              TreeSet<String> all = new TreeSet<>(segment.subsegments().keySet());
              all.addAll(segment.merged().keySet());
              for (String subsegment : all) {
                withoutSegment.remove(subsegment);
                lines.add(
                    "    subsegment %s: %s%s"
                        .formatted(
                            subsegment,
                            payloads(trace, segment, subsegment, redisTtl),
                            segment.subsegments().containsKey(subsegment)
                                ? ""
                                : "; not in the index"));
              }
            });
    withoutSegment.forEach(
        id ->
            lines.add(
                "  subsegment %s: %s; not in the index"
                    .formatted(id, distributed(trace.distributed().get(id), redisTtl))));
    return lines;
  }

  private static String head(BufferedTrace trace, Instant now) {
    List<String> facts = new ArrayList<>();
    facts.add("segments " + number(trace.segments().size()));
    facts.add("subsegments " + number(trace.subsegmentCount()));
    facts.add("ids " + number(trace.idCount()));
    if (trace.isLarge()) {
      facts.add("large");
    }
    trace
        .lastWrite()
        .ifPresent(write -> facts.add("written " + text(Duration.between(write, now)) + " ago"));
    trace
        .lock()
        .ifPresent(
            lock ->
                facts.add("bucket locked by %s for %s".formatted(lock.owner(), text(lock.ttl()))));
    String bucket = trace.bucket() == null ? "" : ", bucket " + trace.bucket();
    return "trace %s%s on %s%s: %s"
        .formatted(
            trace.trace(), round(trace.round()), trace.node(), bucket, String.join(", ", facts));
  }

  private static String segment(Segment segment) {
    List<String> facts = new ArrayList<>();
    segment
        .summary()
        .ifPresentOrElse(
            summary -> {
              facts.add(summary.hasRoot() ? "root known" : "no root yet");
              facts.add("spans " + number(summary.spans()));
              facts.add("record bytes " + number(summary.bytes()));
            },
            () -> facts.add("not in the index"));
    if (!segment.formerNames().isEmpty()) {
      facts.add("formerly " + String.join(" ", segment.formerNames()));
    }
    return String.join(", ", facts);
  }

  private static String payloads(
      BufferedTrace trace, Segment segment, String subsegment, Duration redisTtl) {
    List<String> payloads = new ArrayList<>();
    Payload merged = segment.merged().get(subsegment);
    if (merged != null) {
      payloads.add("merged " + payload(merged));
    }
    Payload small = segment.small().get(subsegment);
    if (small != null) {
      SubsegmentRecord place = segment.subsegments().get(subsegment);
      payloads.add(
          "%s bytes from %s in the small payload %s of %s"
              .formatted(
                  number(place.frameBytes()),
                  number(place.offset()),
                  Hex.id(place.payload()),
                  payload(small)));
    }
    Payload distributed = trace.distributed().get(subsegment);
    if (distributed != null) {
      payloads.add(distributed(distributed, redisTtl));
    }
    return payloads.isEmpty() ? "no payload" : String.join(" and ", payloads);
  }

  private static String distributed(Payload payload, Duration redisTtl) {
    return "distributed " + payload(payload) + age(payload, redisTtl);
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

package io.spanfold.local.inspect;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import redis.clients.jedis.HostAndPort;

/** A buffer in a few lines: who has it, and how many keys of which kind lie where. */
public final class BufferOverview {

  /** The order that nodes are shown in. */
  static final Comparator<HostAndPort> BY_ADDRESS = Comparator.comparing(HostAndPort::toString);

  private BufferOverview() {}

  /** Reads it, which walks through all keys. */
  public static List<String> lines(BufferNodes nodes) {
    List<String> lines = new ArrayList<>();
    lines.add(
        BufferLease.read(nodes)
            .map(lease -> "lease: " + lease)
            .orElse("lease: none; no job is at work on this buffer"));
    lines.addAll(counts(new Purge(nodes).count()));
    return lines;
  }

  /** Returns counts of keys, a line for each node. */
  public static List<String> counts(Map<HostAndPort, Map<String, Long>> byNode) {
    List<String> lines = new ArrayList<>();
    byNode.forEach(
        (node, kinds) ->
            lines.add(
                "%s: %s keys%s"
                    .formatted(
                        node,
                        number(kinds.values().stream().mapToLong(Long::longValue).sum()),
                        kinds.entrySet().stream()
                            .map(kind -> kind.getKey() + " " + number(kind.getValue()))
                            .collect(
                                Collectors.joining(
                                    ", ",
                                    kinds.isEmpty() ? "" : " (",
                                    kinds.isEmpty() ? "" : ")")))));
    return lines;
  }

  static String number(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }
}

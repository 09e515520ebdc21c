package io.spanfold.local.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.List;
import java.util.SplittableRandom;

/**
 * Writes records that resemble those of a web shop's services. Names, statements and versions come
 * from {@linkplain SpanTemplate templates}; ids, times, durations and one long token are unique to
 * each span. For use by one thread.
 */
final class SpanTexts {

  private static final byte[] HEX = "0123456789abcdef".getBytes(US_ASCII);

  /** From this size, a record is mostly a body that hardly compresses. */
  private static final int BODY_FROM = 16 * 1024;

  private static final int POOL_BYTES = 4 << 20;

  private final List<SpanTemplate> templates;
  private final int perService;
  private final byte[] bodies;

  SpanTexts(Load load) {
    SplittableRandom random = new SplittableRandom(7);
    boolean body = load.spanBytes() >= BODY_FROM;
    if (load.shape() == Load.Shape.SERVICES) {
      templates = SpanTemplate.ofServices(ServiceTraces.SERVICES, random);
      perService = templates.size() / ServiceTraces.SERVICES;
    } else {
      templates = SpanTemplate.ofOneService(load, body, random);
      perService = templates.size();
    }
    bodies = new byte[body ? POOL_BYTES : 0];
    for (int i = 0; i < bodies.length; i++) {
      bodies[i] = (byte) ('0' + random.nextInt(64));
      if (bodies[i] == '\\') {
        bodies[i] = '_';
      }
    }
  }

  /** Returns a record; {@code parent} is 0 for none, {@code root} whether it begins a segment. */
  byte[] write(
      int service,
      long traceHigh,
      long traceLow,
      long spanId,
      long parent,
      boolean root,
      long timestampMillis,
      SplittableRandom random) {
    SpanTemplate kind = templates.get(service * perService + random.nextInt(perService));
    byte[] out = kind.text.clone();
    hex(traceHigh, out, kind.trace);
    hex(traceLow, out, kind.trace + 16);
    hex(spanId, out, kind.span);
    if (parent == 0) {
      put("null              ", out, kind.parent);
    } else {
      out[kind.parent] = '"';
      hex(parent, out, kind.parent + 1);
      out[kind.parent + 17] = '"';
    }
    put(root ? "true " : "false", out, kind.isSegment);
    int duration = 100_000 + random.nextInt(900_000);
    seconds(timestampMillis * 1_000 - duration, out, kind.start);
    seconds(timestampMillis * 1_000, out, kind.end);
    digits(duration, 6, out, kind.duration);
    if (kind.hasToken) {
      hex(random.nextLong(), out, kind.token);
      hex(random.nextLong(), out, kind.token + 16);
    }
    if (kind.bodyLength > 0) {
      int from = random.nextInt(bodies.length - kind.bodyLength);
      System.arraycopy(bodies, from, out, kind.body, kind.bodyLength);
    }
    return out;
  }

  private static void hex(long value, byte[] out, int at) {
    for (int i = 15; i >= 0; i--) {
      out[at + i] = HEX[(int) (value & 15)];
      value >>>= 4;
    }
  }

  private static void seconds(long micros, byte[] out, int at) {
    digits(micros / 1_000_000, 10, out, at);
    digits(micros % 1_000_000, 6, out, at + 11);
  }

  private static void digits(long value, int count, byte[] out, int at) {
    for (int i = count - 1; i >= 0; i--) {
      out[at + i] = (byte) ('0' + value % 10);
      value /= 10;
    }
  }

  private static void put(String text, byte[] out, int at) {
    for (int i = 0; i < text.length(); i++) {
      out[at + i] = (byte) text.charAt(i);
    }
  }
}

package io.spanfold.local.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Writes records that resemble those of a web shop's services. Names, statements and versions come
 * from a few dozen templates; ids, times, durations and one long token are unique to each span. For
 * use by one thread.
 */
final class SpanTexts {

  private static final int KINDS = 64;
  private static final byte[] HEX = "0123456789abcdef".getBytes(US_ASCII);
  private static final String[] SERVICES = {
    "frontend", "cart", "checkout", "payment", "shipping", "catalog", "search", "email"
  };
  private static final String[] OPERATIONS = {
    "http.server",
    "http.client",
    "db.query",
    "cache.get",
    "queue.publish",
    "rpc",
    "template",
    "auth"
  };
  private static final String[] WORDS = {
    "SELECT", "order_id", "FROM", "orders", "WHERE", "customer", "price", "JOIN", "items", "ON",
    "LIMIT", "status", "quantity", "AND", "warehouse", "UPDATE", "region", "currency", "IN", "total"
  };

  /** From this size, a record is mostly a body that hardly compresses. */
  private static final int BODY_FROM = 16 * 1024;

  private static final int POOL_BYTES = 4 << 20;

  private final List<Template> kinds = new ArrayList<>();
  private final byte[] bodies;

  SpanTexts(Load load) {
    SplittableRandom random = new SplittableRandom(7);
    boolean body = load.spanBytes() >= BODY_FROM;
    for (int i = 0; i < KINDS; i++) {
      kinds.add(new Template(i, load, body, random));
    }
    bodies = new byte[body ? POOL_BYTES : 0];
    for (int i = 0; i < bodies.length; i++) {
      bodies[i] = (byte) ('0' + random.nextInt(64));
      if (bodies[i] == '\\') {
        bodies[i] = '_';
      }
    }
  }

  /** Returns a record; {@code parent} is 0 for a root. */
  byte[] write(
      long traceHigh,
      long traceLow,
      long spanId,
      long parent,
      long timestampMillis,
      SplittableRandom random) {
    Template kind = kinds.get(random.nextInt(KINDS));
    byte[] out = kind.text.clone();
    hex(traceHigh, out, kind.trace);
    hex(traceLow, out, kind.trace + 16);
    hex(spanId, out, kind.span);
    if (parent == 0) {
      put("null              ", out, kind.parent);
      put("true ", out, kind.isSegment);
    } else {
      out[kind.parent] = '"';
      hex(parent, out, kind.parent + 1);
      out[kind.parent + 17] = '"';
      put("false", out, kind.isSegment);
    }
    int duration = 100_000 + random.nextInt(900_000);
    seconds(timestampMillis * 1_000 - duration, out, kind.start);
    seconds(timestampMillis * 1_000, out, kind.end);
    digits(duration, 6, out, kind.duration);
    hex(random.nextLong(), out, kind.token);
    hex(random.nextLong(), out, kind.token + 16);
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

  /** The text of a record and the offsets of its variable parts. */
  private static final class Template {
    final byte[] text;
    final int trace;
    final int span;
    final int parent;
    final int isSegment;
    final int start;
    final int end;
    final int duration;
    final int token;
    final int body;
    final int bodyLength;

    Template(int kind, Load load, boolean withBody, SplittableRandom random) {
      String service = SERVICES[kind % SERVICES.length];
      String operation = OPERATIONS[kind / SERVICES.length % OPERATIONS.length];
      StringBuilder json = new StringBuilder(load.spanBytes() + 100);
      json.append("{\"organization_id\":1,\"project_id\":42,\"key_id\":123,\"trace_id\":\"");
      trace = hole(json, 32);
      json.append("\",\"span_id\":\"");
      span = hole(json, 16);
      json.append("\",\"parent_span_id\":");
      parent = hole(json, 18);
      json.append(",\"start_timestamp\":");
      start = hole(json, 17);
      json.append(",\"end_timestamp\":");
      end = hole(json, 17);
      json.append(",\"retention_days\":90,\"name\":\"").append(operation);
      json.append("\",\"status\":\"ok\",\"is_segment\":");
      isSegment = hole(json, 5);
      json.append(",\"attributes\":{\"duration_us\":{\"type\":\"integer\",\"value\":");
      duration = hole(json, 6);
      json.append("},\"request.token\":{\"type\":\"string\",\"value\":\"");
      token = hole(json, 32);
      json.append("\"}");
      String[] names = {
        "service.name",
        "k8s.pod.name",
        "host.name",
        "sdk.name",
        "sdk.version",
        "release",
        "environment",
        "span.op",
        "thread.name",
        "server.address",
        "http.request.method",
        "url.path",
        "user.geo.region",
        "db.system",
        "network.protocol.name"
      };
      for (int i = 0; i < Math.min(names.length, load.attributes() - 3); i++) {
        attribute(json, names[i], value(i, service, operation, random));
      }
      json.append(",\"description\":{\"type\":\"string\",\"value\":\"");
      body = json.length();
      // Templates differ in length; their average is the length that the load asks for.
      int wanted = load.spanBytes() + (kind * 2 + 1 - KINDS) * Math.min(3, load.spanBytes() / 400);
      int fill = Math.max(0, wanted - body - "\"}}}".length());
      bodyLength = withBody ? fill : 0;
      while (json.length() < body + fill) {
        json.append(WORDS[random.nextInt(WORDS.length)]).append(' ');
      }
      json.setLength(body + fill);
      json.append("\"}}}");
      text = json.toString().getBytes(US_ASCII);
      // The decimal point of both times.
      text[start + 10] = '.';
      text[end + 10] = '.';
    }

    private static int hole(StringBuilder json, int length) {
      int at = json.length();
      json.append(" ".repeat(length));
      return at;
    }

    private static void attribute(StringBuilder json, String name, String value) {
      json.append(",\"").append(name).append("\":{\"type\":\"string\",\"value\":\"");
      json.append(value).append("\"}");
    }

    private static String value(
        int attribute, String service, String operation, SplittableRandom random) {
      String token = Long.toHexString(random.nextLong() | 1L << 63).substring(0, 8);
      return switch (attribute) {
        case 0 -> service;
        case 1 -> service + "-" + token + "-" + token.substring(3);
        case 2 -> "node-" + random.nextInt(12) + ".eu-west.example.com";
        case 3 -> "opentelemetry";
        case 4 -> "1." + random.nextInt(3) + ".0";
        case 5 -> service + "@2026.11." + random.nextInt(4);
        case 6 -> "production";
        case 7 -> operation;
        case 8 -> "worker-" + random.nextInt(16);
        case 9 -> "10.0." + random.nextInt(8) + "." + random.nextInt(250);
        case 10 -> random.nextInt(3) == 0 ? "POST" : "GET";
        case 11 -> "/api/v2/" + service + "/" + token;
        case 12 -> "DE-" + random.nextInt(16);
        case 13 -> "postgresql";
        default -> "http/1.1";
      };
    }
  }
}

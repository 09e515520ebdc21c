package io.spanfold.local.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** The text of a record and the offsets of its variable parts. */
final class SpanTemplate {

  private static final int KINDS = 64;
  private static final int KINDS_PER_SERVICE = 8;
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
  private static final String[] ATTRIBUTES = {
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

  private static final int FIRST_PROJECT = 42;

  /** The length of records as recorded in real systems: 741 bytes on average. */
  private static final Quantiles RECORD_BYTES =
      Quantiles.of(0, 365, 0.5, 590, 0.9, 1_250, 0.99, 1_900, 1, 2_400);

  /** From this length a record has room for a token, and then for attributes of this length. */
  private static final int TOKEN_FROM = 560;

  private static final int ATTRIBUTE_BYTES = 75;
  private static final String DESCRIPTION = ",\"description\":{\"type\":\"string\",\"value\":\"";
  private static final String END_OF_DESCRIPTION = "\"}";
  private static final String END = "}}";

  final byte[] text;
  final int trace;
  final int span;
  final int parent;
  final int isSegment;
  final int start;
  final int end;
  final int duration;
  final boolean hasToken;
  final int token;
  final int body;
  final int bodyLength;

  /**
   * What is constant in a record.
   *
   * @param bytes the length of the record; more if the rest does not fit
   * @param attributes how many of {@link #ATTRIBUTES} it has
   * @param hasToken whether it has a long token
   * @param hasBody whether the description is replaced in each record
   */
  private record Kind(
      int project,
      String service,
      String operation,
      int bytes,
      int attributes,
      boolean hasToken,
      boolean hasBody) {}

  /** Returns templates whose average length is that of the load. */
  static List<SpanTemplate> ofOneService(Load load, boolean withBody, SplittableRandom random) {
    List<SpanTemplate> templates = new ArrayList<>();
    for (int i = 0; i < KINDS; i++) {
      int bytes = load.spanBytes() + (i * 2 + 1 - KINDS) * Math.min(3, load.spanBytes() / 400);
      String service = SERVICES[i % SERVICES.length];
      String operation = OPERATIONS[i / SERVICES.length % OPERATIONS.length];
      int attributes = Math.min(ATTRIBUTES.length, load.attributes() - 3);
      Kind kind = new Kind(FIRST_PROJECT, service, operation, bytes, attributes, true, withBody);
      templates.add(new SpanTemplate(kind, random));
    }
    return templates;
  }

  /** Returns as many templates for each service, in turn; their lengths are as recorded. */
  static List<SpanTemplate> ofServices(int services, SplittableRandom random) {
    List<SpanTemplate> templates = new ArrayList<>();
    int all = services * KINDS_PER_SERVICE;
    for (int i = 0; i < all; i++) {
      int service = i / KINDS_PER_SERVICE;
      // Each service has short and long records.
      int rank = i % KINDS_PER_SERVICE * services + service;
      int bytes = (int) Math.round(RECORD_BYTES.at((rank + 0.5) / all));
      int attributes = Math.max(0, (bytes - TOKEN_FROM) / ATTRIBUTE_BYTES);
      Kind kind =
          new Kind(
              FIRST_PROJECT + service,
              SERVICES[service % SERVICES.length] + "-" + service / SERVICES.length,
              OPERATIONS[(i + service) % OPERATIONS.length],
              bytes,
              Math.min(ATTRIBUTES.length, attributes),
              bytes >= TOKEN_FROM,
              false);
      templates.add(new SpanTemplate(kind, random));
    }
    return templates;
  }

  private SpanTemplate(Kind kind, SplittableRandom random) {
    StringBuilder json = new StringBuilder(kind.bytes + 100);
    json.append("{\"organization_id\":1,\"project_id\":").append(kind.project);
    json.append(",\"key_id\":123,\"trace_id\":\"");
    trace = hole(json, 32);
    json.append("\",\"span_id\":\"");
    span = hole(json, 16);
    json.append("\",\"parent_span_id\":");
    parent = hole(json, 18);
    json.append(",\"start_timestamp\":");
    start = hole(json, 17);
    json.append(",\"end_timestamp\":");
    end = hole(json, 17);
    json.append(",\"retention_days\":90,\"name\":\"").append(kind.operation);
    json.append("\",\"status\":\"ok\",\"is_segment\":");
    isSegment = hole(json, 5);
    json.append(",\"attributes\":{\"duration_us\":{\"type\":\"integer\",\"value\":");
    duration = hole(json, 6);
    json.append("}");
    hasToken = kind.hasToken;
    if (hasToken) {
      json.append(",\"request.token\":{\"type\":\"string\",\"value\":\"");
    }
    token = hole(json, hasToken ? 32 : 0);
    if (hasToken) {
      json.append("\"}");
    }
    for (int i = 0; i < kind.attributes; i++) {
      json.append(",\"").append(ATTRIBUTES[i]).append("\":{\"type\":\"string\",\"value\":\"");
      json.append(value(i, kind, random)).append("\"}");
    }
    int shortest = json.length() + DESCRIPTION.length() + (END_OF_DESCRIPTION + END).length();
    int fill = Math.max(0, kind.bytes - shortest);
    if (fill > 0 || kind.hasToken) {
      json.append(DESCRIPTION);
      int from = json.length();
      while (json.length() < from + fill) {
        json.append(WORDS[random.nextInt(WORDS.length)]).append(' ');
      }
      json.setLength(from + fill);
      json.append(END_OF_DESCRIPTION);
    }
    body = json.length() - END_OF_DESCRIPTION.length() - fill;
    bodyLength = kind.hasBody ? fill : 0;
    json.append(END);
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

  private static String value(int attribute, Kind kind, SplittableRandom random) {
    String service = kind.service;
    String token = Long.toHexString(random.nextLong() | 1L << 63).substring(0, 8);
    return switch (attribute) {
      case 0 -> service;
      case 1 -> service + "-" + token + "-" + token.substring(3);
      case 2 -> "node-" + random.nextInt(12) + ".eu-west.example.com";
      case 3 -> "opentelemetry";
      case 4 -> "1." + random.nextInt(3) + ".0";
      case 5 -> service + "@2026.11." + random.nextInt(4);
      case 6 -> "production";
      case 7 -> kind.operation;
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

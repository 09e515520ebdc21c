package io.spanfold.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.testing.RecordJudge.Verdict;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * Makes valid source records and, between them, malicious ones, each with the outcome that it must
 * have. Each record has its number in {@code n}.
 */
public final class HostileRecords {

  private static final int MAX_DEPTH = 100;
  private static final int LONGEST_CYCLE = 1_000;

  private static final HostileKind[] BAD =
      Arrays.stream(HostileKind.values())
          .filter(kind -> kind == HostileKind.FLIPPED_BYTE || kind.reason().isPresent())
          .filter(kind -> kind != HostileKind.TOO_LARGE)
          .toArray(HostileKind[]::new);

  private static final List<String> REQUIRED =
      List.of("project_id", "organization_id", "trace_id", "span_id", "end_timestamp");
  private static final String[] WRONG_TYPES = {
    "[]", "{}", "[null]", "{\"value\":1}", "\" \"", "\"7\"", "1.5", "-1", "[[[\"a\"]]]", "1e999"
  };
  private static final String[] WRONG_NUMBERS = {
    "-1", "-0", "1.0", "1e3", "9223372036854775808", "18446744073709551617", "1" + "0".repeat(5000)
  };
  private static final String[] BROKEN = {
    "{'a':1}", "{\"a\":NaN}", "{\"a\":01}", "{\"a\":+1}", "{\"a\":1,}", "{\"a\":1}{}", "{\"a\"}",
    "{a:1}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":[1}", "{\"a\":1]", "{/* */}", "{,}",
    "{\"a\":\"\u0000\"}", "{\"a\":tru}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":1e}", "{\"\\ud800\":1}"
  };
  private static final String[] NO_OBJECTS = {
    "null", "true", "0", "-1e5", "\"text\"", "[]", "[{}]", "span", "<xml/>", "\u0000", "\uFEFF{}"
  };
  private static final String[] NO_UTF8 = {
    "\u0080",
    "\u00BF",
    "\u00C0\u00AF",
    "\u00C1\u0081",
    "\u00E0\u0080\u00AF",
    "\u00ED\u00A0\u0080",
    "\u00E2\u0082",
    "\u00F0\u009F\u0098",
    "\u00F4\u0090\u0080\u0080",
    "\u00F8\u0088\u0080",
    "\u00FF"
  };

  private final Random random;
  private final int maxRecordBytes;
  private final int oneInLarge;
  private final long earliest;
  private final long[] wildTimestamps;
  private long number;

  private TraceKey trace;
  private long time;
  private List<Sample> scene;

  /**
   * Makes a generator.
   *
   * @param seed equal seeds give equal records
   * @param maxRecordBytes the largest record that is accepted
   * @param oneInLarge one record in so many has that size, and one is larger
   * @param earliest the timestamps of records, in milliseconds, but for wild ones
   * @param wildTimestamps the timestamps of {@link HostileKind#WILD_TIMESTAMP}
   */
  public HostileRecords(
      long seed, int maxRecordBytes, int oneInLarge, long earliest, long... wildTimestamps) {
    this.random = new Random(seed);
    this.maxRecordBytes = maxRecordBytes;
    this.oneInLarge = oneInLarge;
    this.earliest = earliest;
    this.wildTimestamps = wildTimestamps.clone();
  }

  /**
   * A record.
   *
   * @param kind its kind, which names the flaw of a bad one
   * @param number its place among all records, from 0
   * @param timestamp its Kafka timestamp in milliseconds
   * @param value its value; null for a tombstone
   * @param reasons the permitted reasons for rejection; empty if it must be accepted
   * @param span the span that it is, with {@code number} as its offset; null if it must be rejected
   */
  public record Sample(
      HostileKind kind,
      long number,
      long timestamp,
      byte[] value,
      Set<String> reasons,
      Span span) {}

  /** Returns some records that are, or claim to be, of one trace, in the order of their sending. */
  public List<Sample> next() {
    trace = new TraceKey(1 + random.nextInt(9), random.nextLong(), random.nextLong());
    time = earliest;
    scene = new ArrayList<>();
    switch (random.nextInt(10)) {
      case 0 -> addCycle();
      case 1 -> addWildTimestamps();
      default -> addTree();
    }
    return scene;
  }

  private void addTree() {
    List<Long> ids = new ArrayList<>();
    ids.add(random.nextLong());
    for (int i = 4 + random.nextInt(20); i > 0; i--) {
      long id = random.nextLong();
      long parent = ids.get(random.nextInt(ids.size()));
      HostileKind kind = good();
      // A root that names another segment keeps that in its record, so its own is unknown.
      boolean root =
          kind == HostileKind.NO_PARENT_ID
              || kind != HostileKind.GIVEN_SEGMENT_ID && random.nextInt(8) == 0;
      accepted(kind, id, parent, root);
      while (random.nextInt(3) > 0) {
        bad(BAD[random.nextInt(BAD.length)]);
      }
      if (random.nextInt(8) == 0) {
        repeat(id, parent);
      }
      if (random.nextInt(oneInLarge) == 0) {
        accepted(HostileKind.LARGE_AS_ALLOWED, random.nextLong(), id, false);
        bad(HostileKind.TOO_LARGE);
      }
      ids.add(id);
    }
  }

  private HostileKind good() {
    return switch (random.nextInt(10)) {
      case 0 -> HostileKind.ODD_BUT_GOOD;
      case 1 -> HostileKind.GIVEN_SEGMENT_ID;
      case 2 -> HostileKind.DEEP_AS_ALLOWED;
      case 3 -> HostileKind.SELF_PARENT;
      case 4 -> HostileKind.NO_PARENT_ID;
      default -> HostileKind.GOOD;
    };
  }

  private void repeat(long id, long parent) {
    switch (random.nextInt(3)) {
      case 0 -> {
        Sample last = scene.get(lastAccepted(id));
        scene.add(
            new Sample(
                HostileKind.DUPLICATE,
                number,
                time,
                last.value(),
                Set.of(),
                RandomTraces.at(last.span(), time, 0, number++)));
      }
      case 1 -> accepted(HostileKind.DUPLICATE_WITH_OTHER_PAYLOAD, id, parent, false);
      default -> accepted(HostileKind.DUPLICATE_WITH_OTHER_PARENT, id, random.nextLong(), false);
    }
  }

  private int lastAccepted(long id) {
    int at = scene.size() - 1;
    while (scene.get(at).span() == null || scene.get(at).span().spanId() != id) {
      at--;
    }
    return at;
  }

  private void addCycle() {
    int length = 2 + random.nextInt(random.nextInt(50) == 0 ? LONGEST_CYCLE : 20);
    long[] ids = random.longs(length).toArray();
    int from = random.nextInt(length);
    int step = random.nextBoolean() ? 1 : length - 1;
    for (int i = 0; i < length; i++) {
      int at = (from + i * step) % length;
      accepted(HostileKind.CYCLE, ids[at], ids[(at + 1) % length], false);
    }
    bad(BAD[random.nextInt(BAD.length)]);
  }

  private void addWildTimestamps() {
    for (int i = 1 + random.nextInt(8); i > 0; i--) {
      long regular = time;
      time = wildTimestamps[random.nextInt(wildTimestamps.length)];
      accepted(HostileKind.WILD_TIMESTAMP, random.nextLong(), random.nextLong(), false);
      time = regular;
    }
  }

  /** Adds a record that must be accepted. */
  private void accepted(HostileKind kind, long id, long parent, boolean root) {
    Map<String, String> fields = fields(id, parent, root);
    long above = root ? id : parent;
    switch (kind) {
      case ODD_BUT_GOOD -> makeOdd(fields);
      case NO_PARENT_ID -> {
        fields.put("parent_span_id", pick("\"\"", quoted(0)));
        fields.put("is_segment", pick("true", "false", "null"));
      }
      case SELF_PARENT -> {
        above = id;
        fields.put("parent_span_id", quoted(id));
      }
      case GIVEN_SEGMENT_ID -> {
        long given = random.nextLong();
        above = root ? id : given;
        fields.put(
            "attributes", attributes("{\"type\":\"string\",\"value\":" + quoted(given) + "}"));
      }
      case DEEP_AS_ALLOWED -> fields.put("deep", nested(MAX_DEPTH - 1));
      case LARGE_AS_ALLOWED -> enlarge(fields, maxRecordBytes);
      case DUPLICATE_WITH_OTHER_PAYLOAD -> fields.put("other", "\"payload\"");
      case WILD_TIMESTAMP -> fields.put("end_timestamp", pick("-1e308", "0", "1e400", "-5"));
      default -> {}
    }
    Span span = Spans.span(trace, id, above, root, time, number);
    add(kind, json(fields).getBytes(UTF_8), Set.of(), span);
  }

  /** Adds a record that claims to be a span of the trace. */
  private void bad(HostileKind kind) {
    Map<String, String> fields = fields(random.nextLong(), random.nextLong(), false);
    byte[] value =
        switch (kind) {
          case TOMBSTONE -> null;
          case EMPTY -> bytes(pick("", " ", "\n", "\r\n\t ", " ".repeat(5_000)));
          case TOO_LARGE -> {
            enlarge(fields, maxRecordBytes + 1 + random.nextInt(1_000));
            yield bytes(json(fields));
          }
          case BAD_UTF8 -> {
            String text = json(fields);
            int at = random.nextInt(text.length() + 1);
            yield (text.substring(0, at) + pick(NO_UTF8) + text.substring(at)).getBytes(ISO_8859_1);
          }
          case OTHER_ENCODING -> json(fields).getBytes(random.nextBoolean() ? UTF_16LE : UTF_16BE);
          case NO_OBJECT -> bytes(pick(NO_OBJECTS));
          case BROKEN_JSON -> bytes(pick(BROKEN));
          case TRUNCATED -> {
            byte[] whole = bytes(json(fields));
            yield Arrays.copyOf(whole, 1 + random.nextInt(whole.length - 1));
          }
          case FLIPPED_BYTE -> flipped(fields);
          default -> {
            damage(kind, fields);
            yield bytes(json(fields));
          }
        };
    if (kind == HostileKind.FLIPPED_BYTE) {
      Verdict verdict = RecordJudge.judge(value, time, number);
      add(kind, value, verdict.reasons(), verdict.span());
    } else {
      add(kind, value, Set.of(kind.reason().orElseThrow()), null);
    }
  }

  private void damage(HostileKind kind, Map<String, String> fields) {
    switch (kind) {
      case TOO_DEEP ->
          fields.put(
              "deep",
              random.nextBoolean() ? nested(MAX_DEPTH + random.nextInt(50)) : "[".repeat(5_000));
      case WRONG_TYPE -> makeWrongType(fields);
      case NULL_FIELD -> fields.put(pick(REQUIRED), "null");
      case MISSING_FIELD -> fields.remove(pick(REQUIRED));
      case BAD_NUMBER -> fields.put(pick("project_id", "organization_id"), pick(WRONG_NUMBERS));
      case BAD_TRACE_ID -> fields.put("trace_id", badId(trace.traceId()));
      case BAD_SPAN_ID -> fields.put("span_id", badId(Hex.id(random.nextLong())));
      case ZERO_ID -> {
        String name = pick("trace_id", "span_id");
        fields.put(name, fields.get(name).replaceAll("[0-9a-f]", "0"));
      }
      case BAD_PARENT_ID -> fields.put("parent_span_id", badId(Hex.id(random.nextLong())));
      case BAD_SEGMENT_ID ->
          fields.put(
              "attributes", attributes("{\"value\":" + badId(Hex.id(random.nextLong())) + "}"));
      case DUPLICATE_FIELD -> {
        String name = pick(REQUIRED);
        int escaped = random.nextInt(name.length());
        String again =
            random.nextBoolean()
                ? name
                : name.substring(0, escaped)
                    + "\\u%04x".formatted((int) name.charAt(escaped))
                    + name.substring(escaped + 1);
        // Appended as text after the field's value, because a map has each name once.
        fields.put(name, fields.get(name) + ",\"" + again + "\":" + fields.get(name));
      }
      default -> throw new IllegalStateException("nothing is known of " + kind);
    }
  }

  private void makeWrongType(Map<String, String> fields) {
    switch (random.nextInt(4)) {
      case 0 -> fields.put("is_segment", pick(WRONG_TYPES));
      case 1 -> fields.put("attributes", pick("[]", "1", "\"\"", "true", "[{}]"));
      case 2 -> fields.put("end_timestamp", pick("\"1.5\"", "[]", "{}", "true"));
      default ->
          fields.put(
              pick("project_id", "organization_id", "trace_id", "span_id", "parent_span_id"),
              pick(WRONG_TYPES));
    }
  }

  /** Returns {@code id} with a flaw: its length, a character, or its dashes. */
  private String badId(String id) {
    int at = random.nextInt(id.length());
    return switch (random.nextInt(8)) {
      case 0 -> "\"" + id.substring(1) + "\"";
      case 1 -> "\"" + id + "0\"";
      case 2 -> "\"" + id.substring(0, at) + "g" + id.substring(at + 1) + "\"";
      case 3 -> "\"" + id.substring(0, at) + "}" + id.substring(at + 1) + "\"";
      case 4 -> "\"" + id.substring(0, at) + "\\u0000" + id.substring(at + 1) + "\"";
      // A digit, as far as Unicode goes.
      case 5 -> "\"" + id.substring(0, at) + "\uFF11" + id.substring(at + 1) + "\"";
      case 6 -> "\"" + "-".repeat(id.length()) + "\"";
      default -> "\"" + id.repeat(100) + "\"";
    };
  }

  private byte[] flipped(Map<String, String> fields) {
    byte[] value = bytes(json(fields));
    // The number stays readable, so that the output can be recognised.
    int behind = value.length - ",\"n\":}".length() - Long.toString(number).length();
    int at = random.nextInt(behind);
    byte before = value[at];
    while (value[at] == before) {
      value[at] =
          (byte) (random.nextBoolean() ? before ^ 1 << random.nextInt(8) : random.nextInt(256));
    }
    return value;
  }

  private void makeOdd(Map<String, String> fields) {
    fields.put("", "{}");
    fields.put("text", pick("\"\\ud800\"", "\"\uD83D\uDE00\"", "\"\\u0000\"", "\"\\\"\\\\\""));
    fields.put("twice", "1,\"twice\":[null,{\"span_id\":7}]");
    fields.put("number", pick("1e999999", "-0.0", "1" + "0".repeat(2_000)));
    fields.put("trace_id", "\"" + dashed(trace.traceId()).toUpperCase(Locale.ROOT) + "\"");
    fields.put(
        "attributes",
        pick(
            "null",
            "{}",
            attributes("null"),
            attributes("{}"),
            attributes("{\"value\":\"\"}"),
            attributes("{\"value\":" + quoted(0) + "}")));
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

  private static String attributes(String segmentId) {
    return "{\"a\":{\"type\":\"string\",\"value\":\"b\"},\"sentry.segment.id\":" + segmentId + "}";
  }

  private String nested(int depth) {
    return random.nextBoolean()
        ? "[".repeat(depth) + "]".repeat(depth)
        : "{\"a\":".repeat(depth - 1) + "{}" + "}".repeat(depth - 1);
  }

  /** Pads a string, or a name, until the record has that length. */
  private void enlarge(Map<String, String> fields, int bytes) {
    String name = random.nextBoolean() ? "long" : null;
    int free =
        bytes - json(fields).length() - (name == null ? ",\"\":1" : ",\"long\":\"\"").length();
    if (name == null) {
      fields.put("x".repeat(free), "1");
    } else {
      fields.put(name, "\"" + "x".repeat(free) + "\"");
    }
  }

  private Map<String, String> fields(long id, long parent, boolean root) {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("organization_id", "1");
    fields.put("project_id", Long.toString(trace.projectId()));
    fields.put("trace_id", "\"" + trace.traceId() + "\"");
    fields.put("span_id", quoted(id));
    fields.put("parent_span_id", root && random.nextBoolean() ? "null" : quoted(parent));
    fields.put("is_segment", root ? "true" : pick("false", "null"));
    fields.put("end_timestamp", "1700000000.5");
    return fields;
  }

  private String json(Map<String, String> fields) {
    StringBuilder text = new StringBuilder("{");
    fields.forEach(
        (name, value) -> text.append('"').append(name).append("\":").append(value).append(','));
    return text.append("\"n\":").append(number).append('}').toString();
  }

  private void add(HostileKind kind, byte[] value, Set<String> reasons, Span span) {
    scene.add(new Sample(kind, number++, time, value, reasons, span));
    time += random.nextInt(20);
  }

  private static String quoted(long id) {
    return "\"" + Hex.id(id) + "\"";
  }

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  private String pick(String... options) {
    return options[random.nextInt(options.length)];
  }

  private String pick(List<String> options) {
    return options.get(random.nextInt(options.size()));
  }
}

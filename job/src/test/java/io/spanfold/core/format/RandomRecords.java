package io.spanfold.core.format;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.TraceKey;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Valid source records as unusual as the contract allows. Each is written together with marks at
 * the places that stamping may touch, so that the stamped record is known without parsing anything.
 */
public final class RandomRecords {

  // Private-use characters, which no generated text holds.
  private static final char AFTER_BRACE = '\uE000';
  private static final char IS_SEGMENT = '\uE001';
  private static final char ATTRIBUTES = '\uE002';
  private static final char MEMBER = '\uE003';
  private static final char FIRST_MEMBER = '\uE004';
  private static final char ONLY_MEMBER = '\uE005';
  private static final char END = '\uE006';

  private static final String[] NUMBERS = {
    "0", "-0.0", "1e400", "-1E-400", "123456789012345678901234567890", "0.1000", "1.0e+2", "7"
  };
  private static final String[] STRING_PIECES = {
    "a",
    "Z",
    " ",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\\"",
    "\\\\",
    "\\/",
    "\\n",
    "\\u0041",
    "\\ud800",
    "\\ud83d\\ude00",
    "\u00e9",
    "\u6f22",
    "\ud83d\ude00",
    "\u007f",
    "is_segment",
    "null",
    "\uFFFF"
  };
  private static final String[] NAMES = {
    "name",
    "is_segment",
    "attributes",
    "value",
    "sentry.segment.id",
    "span_id",
    "",
    "type",
    "\u00e9"
  };

  private final Random random;

  public RandomRecords(long seed) {
    this.random = new Random(seed);
  }

  /** Returns the next record, with random ids. */
  public Sample next() {
    return next(random.nextLong());
  }

  /** Returns the next record, with the given span id. */
  public Sample next(long spanId) {
    long high = random.nextLong();
    long low = random.nextLong();
    long projectId = random.nextInt(5) == 0 ? Long.MAX_VALUE : random.nextInt(10_000);
    long organizationId = random.nextInt(1000);
    List<String> fields = new ArrayList<>();
    fields.add(field("project_id", Long.toString(projectId)));
    fields.add(field("organization_id", Long.toString(organizationId)));
    fields.add(field("trace_id", traceId(high, low)));
    fields.add(field("span_id", id(spanId)));
    fields.add(field("end_timestamp", random.nextBoolean() ? "1661150059.116736" : "1e9"));

    boolean hasParent = random.nextInt(3) > 0;
    long parent = random.nextLong();
    if (hasParent) {
      fields.add(field("parent_span_id", id(parent)));
    } else if (random.nextBoolean()) {
      fields.add(field("parent_span_id", noId()));
    }

    String isSegment = pick("true", "false", "null", "");
    String added = "";
    if (isSegment.isEmpty()) {
      added += AFTER_BRACE + "s" + END;
    } else {
      fields.add(field("is_segment", IS_SEGMENT + isSegment + END));
    }

    long given = random.nextLong();
    boolean hasGiven = false;
    switch (random.nextInt(4)) {
      case 0 -> added += AFTER_BRACE + "a" + END;
      case 1 -> fields.add(field("attributes", ATTRIBUTES + "null" + END));
      default -> {
        hasGiven = random.nextInt(3) == 0;
        fields.add(field("attributes", attributes(hasGiven, given)));
      }
    }
    for (int i = random.nextInt(5); i > 0; i--) {
      fields.add(field("other" + i, value(3)));
    }
    Collections.shuffle(fields, random);

    boolean root = !hasParent || isSegment.equals("true");
    long parentId = root ? spanId : hasGiven ? given : parent;
    String template = "{" + added + String.join(",", fields) + "}";
    return new Sample(
        template,
        new TraceKey(projectId, high, low),
        spanId,
        parentId,
        root,
        organizationId,
        space() + strip(template) + space());
  }

  private String attributes(boolean hasGiven, long given) {
    List<String> members = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      members.add(field("attribute" + i, "{\"type\":\"string\",\"value\":" + value(2) + "}"));
    }
    if (hasGiven) {
      members.add(field("sentry.segment.id", object(field("value", id(given)), field("x", "1"))));
    } else if (random.nextInt(3) == 0) {
      String nothing =
          switch (random.nextInt(4)) {
            case 0 -> "null";
            case 1 -> "{" + space() + "}";
            case 2 -> object(field("value", noId()));
            default -> object(field("type", "\"string\""), field("value", noId()));
          };
      members.add(field("sentry.segment.id", MEMBER + nothing + END));
    } else if (members.isEmpty()) {
      return "{" + ONLY_MEMBER + END + space() + "}";
    } else {
      return "{" + FIRST_MEMBER + END + String.join(",", members) + "}";
    }
    Collections.shuffle(members, random);
    return "{" + String.join(",", members) + "}";
  }

  private String object(String... fields) {
    List<String> shuffled = new ArrayList<>(List.of(fields));
    Collections.shuffle(shuffled, random);
    return "{" + String.join(",", shuffled) + "}";
  }

  private String value(int depth) {
    int kind = random.nextInt(depth > 0 ? 6 : 4);
    return switch (kind) {
      case 0 -> NUMBERS[random.nextInt(NUMBERS.length)];
      case 1, 2 -> string();
      case 3 -> pick("true", "false", "null");
      case 4 -> {
        StringBuilder array = new StringBuilder("[" + space());
        for (int i = random.nextInt(4); i > 0; i--) {
          array.append(value(depth - 1)).append(i > 1 ? "," : "");
        }
        yield array + space() + "]";
      }
      default -> {
        StringBuilder object = new StringBuilder("{" + space());
        for (int i = random.nextInt(4); i > 0; i--) {
          String name = NAMES[random.nextInt(NAMES.length)];
          object.append(field(name, value(depth - 1))).append(i > 1 ? "," : "");
        }
        yield object + "}";
      }
    };
  }

  private String field(String name, String value) {
    return space() + "\"" + escaped(name) + "\"" + space() + ":" + space() + value + space();
  }

  private String string() {
    StringBuilder out = new StringBuilder("\"");
    for (int i = random.nextInt(20); i > 0; i--) {
      out.append(STRING_PIECES[random.nextInt(STRING_PIECES.length)]);
    }
    return out.append('"').toString();
  }

  private String id(long id) {
    return '"' + escaped(anyCase(Hex.id(id))) + '"';
  }

  /** The forms of "no id" where an id is optional. */
  private String noId() {
    return pick("null", "\"\"", id(0));
  }

  private String traceId(long high, long low) {
    String digits = anyCase(Hex.id(high) + Hex.id(low));
    if (random.nextBoolean()) {
      digits =
          String.join(
              "-",
              digits.substring(0, 8),
              digits.substring(8, 12),
              digits.substring(12, 16),
              digits.substring(16, 20),
              digits.substring(20));
    }
    return '"' + digits + '"';
  }

  private String anyCase(String text) {
    return random.nextBoolean() ? text : text.toUpperCase(Locale.ROOT);
  }

  /** Writes some characters of a text as escapes, which changes how it looks but not what it is. */
  private String escaped(String text) {
    if (random.nextInt(5) > 0) {
      return text;
    }
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      out.append(random.nextInt(4) == 0 ? "\\u%04x".formatted((int) c) : c);
    }
    return out.toString();
  }

  private String space() {
    return random.nextInt(4) > 0 ? "" : pick(" ", "\n", "\t", "\r\n ");
  }

  private String pick(String... options) {
    return options[random.nextInt(options.length)];
  }

  private static String strip(String template) {
    return template
        .replaceAll(AFTER_BRACE + "[sa]" + END, "")
        .replaceAll("[" + AFTER_BRACE + "-" + END + "]", "");
  }

  /**
   * A record and its expected contents.
   *
   * @param template the record with marks
   * @param trace its trace
   * @param spanId its span id
   * @param parentId what it hangs under
   * @param root whether it is a segment root
   * @param organizationId its organisation
   * @param text the value as it comes from the source
   */
  public record Sample(
      String template,
      TraceKey trace,
      long spanId,
      long parentId,
      boolean root,
      long organizationId,
      String text) {

    private static final Pattern MARKED =
        Pattern.compile("([" + AFTER_BRACE + "-" + ONLY_MEMBER + "])([^" + END + "]*)" + END);

    /** Returns the value as it comes from the source. */
    public byte[] value() {
      return text.getBytes(UTF_8);
    }

    /** Returns the record: the value without surrounding space. */
    public byte[] record() {
      return strip(template).getBytes(UTF_8);
    }

    /** Returns the record as it must be in a message of the segment. */
    public byte[] stamped(long segmentId) {
      boolean isSegment = spanId == segmentId;
      String id = "{\"type\":\"string\",\"value\":\"" + Hex.id(segmentId) + "\"}";
      String member = "\"sentry.segment.id\":" + id;
      String stamped =
          MARKED
              .matcher(template)
              .replaceAll(
                  mark ->
                      Matcher.quoteReplacement(
                          switch (mark.group(1).charAt(0)) {
                            case AFTER_BRACE ->
                                mark.group(2).equals("s")
                                    ? "\"is_segment\":" + isSegment + ","
                                    : "\"attributes\":{" + member + "},";
                            case IS_SEGMENT -> Boolean.toString(isSegment);
                            case ATTRIBUTES -> "{" + member + "}";
                            case MEMBER -> id;
                            case FIRST_MEMBER -> member + ",";
                            default -> member;
                          }));
      return stamped.getBytes(UTF_8);
    }
  }
}

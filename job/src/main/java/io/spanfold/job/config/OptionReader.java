package io.spanfold.job.config;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.commons.text.similarity.LevenshteinDistance;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.util.TimeUtils;

/**
 * Reads options, and collects every problem, so that all are reported at once. A value that cannot
 * be read counts as not given, so that the remaining options are still checked.
 */
final class OptionReader {

  private static final List<String> KEYS =
      SpanfoldOptions.ALL.stream().map(ConfigOption::key).toList();

  private final Configuration options;
  private final List<String> problems = new ArrayList<>();
  private final TreeMap<String, String> shown = new TreeMap<>();

  OptionReader(Configuration options) {
    this.options = options;
  }

  List<String> problems() {
    return problems;
  }

  /** Returns the values in force by name, secrets masked. */
  Map<String, String> shown() {
    return shown;
  }

  /** Returns the value or the default, empty if there is neither. */
  <T> Optional<T> optional(ConfigOption<T> option) {
    Optional<T> value = Optional.empty();
    try {
      value = options.getOptional(option);
    } catch (IllegalArgumentException e) {
      problem(option, "cannot be read", "write " + form(option));
    }
    Optional<T> inForce = value.or(() -> Optional.ofNullable(option.defaultValue()));
    inForce.ifPresent(v -> show(option.key(), text(v)));
    return inForce;
  }

  /** Returns the value or the default of an option that has a default. */
  <T> T get(ConfigOption<T> option) {
    return optional(option).orElseThrow();
  }

  /** Returns the text; if it is missing, reports that and returns an empty text. */
  String required(ConfigOption<String> option, String example) {
    Optional<String> value = optional(option).map(String::strip).filter(text -> !text.isEmpty());
    if (value.isEmpty()) {
      problems.add(
          "%s is not given; set it, for example --%s %s"
              .formatted(option.key(), option.key(), example));
    }
    return value.orElse("");
  }

  /** Reports an option with its value; {@code wrong} continues the sentence. */
  void problem(ConfigOption<?> option, String wrong, String remedy) {
    problem(option.key(), options.getValue(option), wrong, remedy);
  }

  /** Reports any name; a null value is not shown. */
  void problem(String name, String value, String wrong, String remedy) {
    String given = value == null ? "" : " (" + SpanfoldOptions.maskedIfSecret(name, value) + ")";
    problems.add(name + given + " " + wrong + "; " + remedy + ".");
  }

  /** Refuses every name that is neither an option nor a Kafka property. */
  void refuseUnknown() {
    for (String name : options.keySet().stream().sorted().toList()) {
      if (!isKnown(name)) {
        Comparator<String> byEdits =
            Comparator.comparingInt(
                option -> LevenshteinDistance.getDefaultInstance().apply(name, option));
        problems.add(
            "There is no option %s; did you mean %s? (--help lists all.)"
                .formatted(name, KEYS.stream().min(byEdits).orElseThrow()));
      }
    }
  }

  /** Returns the properties for Kafka's clients, without their prefix. */
  Map<String, String> kafkaProperties() {
    Map<String, String> properties = new TreeMap<>();
    options
        .toMap()
        .forEach(
            (name, value) -> {
              if (isKafkaProperty(name)) {
                properties.put(
                    name.substring(SpanfoldOptions.KAFKA_PROPERTIES_PREFIX.length()), value);
                show(name, value);
              }
            });
    return properties;
  }

  /** Returns whether {@code name} is an option or a Kafka property. */
  static boolean isKnown(String name) {
    return KEYS.contains(name) || isKafkaProperty(name);
  }

  private static boolean isKafkaProperty(String name) {
    String prefix = SpanfoldOptions.KAFKA_PROPERTIES_PREFIX;
    return name.startsWith(prefix) && name.length() > prefix.length();
  }

  private void show(String name, String value) {
    shown.put(name, SpanfoldOptions.maskedIfSecret(name, value));
  }

  /** Returns {@code value} as a configuration writes it; an empty text for null. */
  static String text(Object value) {
    if (value instanceof Duration duration) {
      return TimeUtils.formatWithHighestUnit(duration);
    }
    if (value instanceof List<?> list) {
      return list.stream().map(Object::toString).collect(Collectors.joining(";"));
    }
    return value == null ? "" : value.toString();
  }

  private static String form(ConfigOption<?> option) {
    Object standard = option.defaultValue();
    if (standard instanceof Duration) {
      return "a duration such as 500 ms, 10 s or 15 min";
    }
    if (standard instanceof MemorySize || option.equals(SpanfoldOptions.FLUSH_CHUNK_BYTES)) {
      return "a size such as 64 kb, 16 mb or 1000000 bytes";
    }
    if (standard instanceof Enum<?> constant) {
      return Stream.of(constant.getDeclaringClass().getEnumConstants())
          .map(Object::toString)
          .collect(Collectors.joining(", ", "one of ", ""));
    }
    if (standard instanceof Boolean) {
      return "true or false";
    }
    return standard instanceof Double ? "a number such as 0.8" : "a whole number";
  }
}

package io.spanfold.job.config;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;

/**
 * Reads options one by one and gathers what is wrong with them, so that all of it can be told at
 * once. A value that cannot be read counts as not given, so that the rest can still be checked.
 */
final class OptionReader {

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

  /** Returns the value or the default, empty where there is neither. */
  <T> Optional<T> optional(ConfigOption<T> option) {
    Optional<T> value = Optional.empty();
    try {
      value = options.getOptional(option);
    } catch (IllegalArgumentException e) {
      problem(option, "cannot be read", "write " + form(option));
    }
    Optional<T> inForce = value.or(() -> Optional.ofNullable(option.defaultValue()));
    inForce.ifPresent(v -> show(option.key(), OptionsTable.text(v)));
    return inForce;
  }

  /** Returns the value or the default of an option that has one. */
  <T> T get(ConfigOption<T> option) {
    return optional(option).orElseThrow();
  }

  /** Returns the text, or an empty one where it is not given, which is a problem. */
  String required(ConfigOption<String> option, String example) {
    Optional<String> value = optional(option).map(String::strip).filter(text -> !text.isEmpty());
    if (value.isEmpty()) {
      problems.add(
          option.key() + " is not given; set it, for example --" + option.key() + " " + example);
    }
    return value.orElse("");
  }

  /** Tells that {@code option} has a value that {@code wrong} is said of. */
  void problem(ConfigOption<?> option, String wrong, String remedy) {
    problem(option.key(), options.getValue(option), wrong, remedy);
  }

  /** The same for a name that is no option of ours; null as the value where none is to be told. */
  void problem(String name, String value, String wrong, String remedy) {
    String told = value == null ? "" : " (" + SpanfoldOptions.maskedIfSecret(name, value) + ")";
    problems.add(name + told + " " + wrong + "; " + remedy + ".");
  }

  /** Refuses every name that is neither an option nor a Kafka property. */
  void refuseUnknown() {
    List<String> known = SpanfoldOptions.ALL.stream().map(ConfigOption::key).toList();
    for (String name : options.keySet().stream().sorted().toList()) {
      boolean property =
          name.startsWith(SpanfoldOptions.KAFKA_PROPERTIES_PREFIX)
              && name.length() > SpanfoldOptions.KAFKA_PROPERTIES_PREFIX.length();
      if (!property && !known.contains(name)) {
        problems.add(
            "There is no option "
                + name
                + "; did you mean "
                + NearestName.to(name, known)
                + "? (--help lists all.)");
      }
    }
  }

  /** Returns the properties for Kafka's clients, their prefix taken off. */
  Map<String, String> kafkaProperties() {
    Map<String, String> properties = new TreeMap<>();
    String prefix = SpanfoldOptions.KAFKA_PROPERTIES_PREFIX;
    options
        .toMap()
        .forEach(
            (name, value) -> {
              if (name.startsWith(prefix) && name.length() > prefix.length()) {
                properties.put(name.substring(prefix.length()), value);
                show(name, value);
              }
            });
    return Map.copyOf(properties);
  }

  private void show(String name, String value) {
    shown.put(name, SpanfoldOptions.maskedIfSecret(name, value));
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
      return "one of "
          + String.join(
              ", ",
              List.of(constant.getDeclaringClass().getEnumConstants()).stream()
                  .map(Object::toString)
                  .toList());
    }
    if (standard instanceof Boolean) {
      return "true or false";
    }
    if (standard instanceof Double) {
      return "a number such as 0.8";
    }
    return "a whole number";
  }
}

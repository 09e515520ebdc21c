package io.spanfold.job.config;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.flink.configuration.Configuration;

/**
 * The arguments that the job was submitted with.
 *
 * @param action the action
 * @param options the options of the file and of the arguments, which win; possibly invalid if only
 *     help is wanted
 */
public record JobArguments(Action action, Configuration options) {

  /** What the job's main method does. If several are given, the one declared last wins. */
  public enum Action {
    RUN,
    /** Checks the servers only. */
    CHECK,
    /** Prints the options in force only. */
    PRINT_CONFIG,
    /** Lists all options only. */
    HELP
  }

  private static final Map<String, Action> ACTIONS =
      Map.of("check", Action.CHECK, "help", Action.HELP, "print-config", Action.PRINT_CONFIG);

  /** A short form for emergencies. */
  private static final String ADOPT = "adopt";

  /**
   * Reads arguments of the forms {@code --name value} and {@code --name=value}. {@code --config
   * FILE} names a file with a line {@code name: value} or {@code name = value} for each option;
   * empty lines and lines that start with {@code #} are skipped, quotes around a value are removed.
   * A boolean option without a value is true.
   *
   * @throws InvalidSetupException if an argument or a line has another form, or the file cannot be
   *     read
   */
  public static JobArguments parse(String... arguments) {
    List<String> problems = new ArrayList<>();
    Map<String, String> given = new LinkedHashMap<>();
    for (int i = 0; i < arguments.length; i++) {
      String argument = arguments[i];
      int equals = argument.indexOf('=');
      if (!argument.startsWith("--") || argument.length() == 2) {
        // The word may be a secret whose option is missing, so it is not shown.
        problems.add(
            "Argument %d is not an option; write options as --name value or --name=value."
                .formatted(i + 1));
      } else if (equals >= 0) {
        given.put(argument.substring(2, equals), argument.substring(equals + 1));
      } else {
        String name = argument.substring(2);
        boolean hasValue = i + 1 < arguments.length && !arguments[i + 1].startsWith("--");
        if (hasValue && !ACTIONS.containsKey(name)) {
          given.put(name, arguments[++i]);
        } else if (ACTIONS.containsKey(name) || isBoolean(name)) {
          given.put(name, "true");
        } else {
          problems.add("--%s has no value; write --%s VALUE.".formatted(name, name));
        }
      }
    }
    Action action = Action.RUN;
    for (Map.Entry<String, Action> other : ACTIONS.entrySet()) {
      boolean wanted = Boolean.parseBoolean(given.remove(other.getKey()));
      action = wanted && other.getValue().compareTo(action) > 0 ? other.getValue() : action;
    }
    String adopt = given.remove(ADOPT);
    if (adopt != null) {
      given.put(SpanfoldOptions.INGEST_ADOPT.key(), adopt);
    }
    String file = given.remove("config");
    Map<String, String> options = new LinkedHashMap<>();
    if (action != Action.HELP) {
      if (file != null) {
        options.putAll(readFile(file, problems));
      }
      if (!problems.isEmpty()) {
        throw new InvalidSetupException(problems);
      }
    }
    options.putAll(given);
    return new JobArguments(action, Configuration.fromMap(options));
  }

  /** Returns the options that were given, secrets masked. */
  public Map<String, String> shown() {
    Map<String, String> shown = new TreeMap<>(options.toMap());
    shown.replaceAll(SpanfoldOptions::maskedIfSecret);
    return shown;
  }

  private static boolean isBoolean(String name) {
    return name.equals(ADOPT)
        || SpanfoldOptions.ALL.stream()
            .anyMatch(
                option -> option.key().equals(name) && option.defaultValue() instanceof Boolean);
  }

  private static Map<String, String> readFile(String name, List<String> problems) {
    Properties file = new Properties();
    try {
      // Backslashes are doubled, because values are literal: a Windows path, a password.
      file.load(new StringReader(Files.readString(Path.of(name)).replace("\\", "\\\\")));
    } catch (IOException | InvalidPathException e) {
      problems.add(
          "The file %s given as --config cannot be read (%s); name a UTF-8 text file that exists where the job is submitted."
              .formatted(name, e.getClass().getSimpleName()));
    }
    Map<String, String> options = new LinkedHashMap<>();
    for (String option : file.stringPropertyNames()) {
      options.put(option, unquote(file.getProperty(option).strip()));
    }
    // Every option has a dot. Any other word, or one without a value, may be a secret: not shown.
    if (!options.entrySet().stream().allMatch(JobArguments::isOption)) {
      problems.add(
          "The file %s has a line that is not an option; write name: value or name = value."
              .formatted(name));
    }
    return options;
  }

  private static boolean isOption(Map.Entry<String, String> line) {
    return OptionReader.isKnown(line.getKey())
        || line.getKey().contains(".") && !line.getValue().isEmpty();
  }

  private static String unquote(String value) {
    boolean quoted = value.matches("\"(?s:.*)\"|'(?s:.*)'");
    return quoted ? value.substring(1, value.length() - 1) : value;
  }
}

package io.spanfold.job.config;

import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.configuration.Configuration;

/**
 * The arguments that the job was submitted with.
 *
 * @param help whether {@code --help} was asked for; the rest then need not be valid
 * @param printConfig whether {@code --print-config} was asked for
 * @param check whether {@code --check} was asked for
 * @param options the options of the file and the arguments, the latter winning
 */
public record JobArguments(
    boolean help, boolean printConfig, boolean check, Configuration options) {

  /** What can be asked for instead of a start. */
  private static final Set<String> SWITCHES = Set.of("help", "print-config", "check");

  /** What operators type in an emergency, for the option of that name. */
  private static final String ADOPT = "adopt";

  /**
   * Reads arguments of the forms {@code --name value} and {@code --name=value}. {@code --config
   * FILE} names a file with a line {@code name: value} or {@code name = value} for each option;
   * empty lines and lines that start with {@code #} are passed over, quotes around a value are
   * taken off. A boolean option without a value is true.
   *
   * @throws InvalidConfigException where an argument or a line has another form, or the file cannot
   *     be read
   */
  public static JobArguments parse(String... arguments) {
    List<String> problems = new ArrayList<>();
    Map<String, String> given = new LinkedHashMap<>();
    for (int i = 0; i < arguments.length; i++) {
      String argument = arguments[i];
      if (!argument.startsWith("--") || argument.length() == 2) {
        // The word may be a secret that lost its option: only its place is told.
        problems.add(
            "Argument "
                + (i + 1)
                + " is not an option; options are written as --name value or --name=value.");
        continue;
      }
      int equals = argument.indexOf('=');
      if (equals >= 0) {
        given.put(argument.substring(2, equals), argument.substring(equals + 1));
        continue;
      }
      String name = argument.substring(2);
      boolean hasValue = i + 1 < arguments.length && !arguments[i + 1].startsWith("--");
      if (hasValue && !isSwitch(name)) {
        given.put(name, arguments[++i]);
      } else if (isSwitch(name) || isBoolean(name)) {
        given.put(name, "true");
      } else {
        problems.add("--" + name + " lacks its value; write --" + name + " VALUE.");
      }
    }
    boolean help = Boolean.parseBoolean(given.remove("help"));
    boolean printConfig = Boolean.parseBoolean(given.remove("print-config"));
    boolean check = Boolean.parseBoolean(given.remove("check"));
    String adopt = given.remove(ADOPT);
    if (adopt != null) {
      given.put(SpanfoldOptions.INGEST_ADOPT.key(), adopt);
    }
    String file = given.remove("config");
    Map<String, String> options = new LinkedHashMap<>();
    if (file != null && !help) {
      options.putAll(readFile(file, problems));
    }
    options.putAll(given);
    if (!problems.isEmpty() && !help) {
      throw new InvalidConfigException(problems);
    }
    return new JobArguments(help, printConfig, check, Configuration.fromMap(options));
  }

  /** Returns the options that were given, secrets masked. */
  public Map<String, String> shown() {
    Map<String, String> shown = new TreeMap<>();
    options
        .toMap()
        .forEach((name, value) -> shown.put(name, SpanfoldOptions.maskedIfSecret(name, value)));
    return shown;
  }

  private static boolean isSwitch(String name) {
    return SWITCHES.contains(name);
  }

  private static boolean isBoolean(String name) {
    return name.equals(ADOPT)
        || SpanfoldOptions.ALL.stream()
            .anyMatch(
                option -> option.key().equals(name) && option.defaultValue() instanceof Boolean);
  }

  private static Map<String, String> readFile(String name, List<String> problems) {
    List<String> lines;
    try {
      lines = Files.readAllLines(Path.of(name));
    } catch (MalformedInputException e) {
      problems.add("The file " + name + " given as --config is not UTF-8 text.");
      return Map.of();
    } catch (IOException | InvalidPathException e) {
      problems.add(
          "The file "
              + name
              + " given as --config cannot be read ("
              + e.getClass().getSimpleName()
              + "); name a file that is there where the job is submitted.");
      return Map.of();
    }
    Map<String, String> options = new LinkedHashMap<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      int split = firstOf(line, ':', '=');
      if (split <= 0) {
        problems.add(
            "Line "
                + (i + 1)
                + " of "
                + name
                + " is no option; options are written there as name: value or name = value.");
        continue;
      }
      options.put(line.substring(0, split).strip(), unquote(line.substring(split + 1).strip()));
    }
    return options;
  }

  private static int firstOf(String line, char one, char other) {
    int a = line.indexOf(one);
    int b = line.indexOf(other);
    return a < 0 ? b : b < 0 ? a : Math.min(a, b);
  }

  private static String unquote(String value) {
    boolean quoted =
        value.length() >= 2
            && (value.charAt(0) == '"' || value.charAt(0) == '\'')
            && value.charAt(value.length() - 1) == value.charAt(0);
    return quoted ? value.substring(1, value.length() - 1) : value;
  }
}

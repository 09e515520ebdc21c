package io.spanfold.local.cli;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * A command's arguments: {@code --name value} or {@code --name=value}, flags without a value, and
 * after {@code --} the job's own options, unparsed.
 *
 * @param values by name, without the dashes; a flag has the empty value
 * @param jobOptions everything after {@code --}
 */
public record Arguments(Map<String, String> values, List<String> jobOptions) {

  /**
   * Parses arguments without flags.
   *
   * @throws UsageException if an argument is unknown, repeated or has no value
   */
  public static Arguments parse(List<String> arguments, Set<String> known) {
    return parse(arguments, known, Set.of());
  }

  /**
   * Parses arguments.
   *
   * @param known names that take a value
   * @param flags names that take none
   * @throws UsageException if an argument is unknown, repeated or has no value
   */
  public static Arguments parse(List<String> arguments, Set<String> known, Set<String> flags) {
    Map<String, String> values = new LinkedHashMap<>();
    int i = 0;
    while (i < arguments.size()) {
      String argument = arguments.get(i++);
      if (argument.equals("--")) {
        break;
      }
      int equals = argument.indexOf('=');
      String name = equals < 0 ? argument : argument.substring(0, equals);
      boolean flag = name.startsWith("--") && flags.contains(name.substring(2)) && equals < 0;
      if (!flag && (!name.startsWith("--") || !known.contains(name.substring(2)))) {
        Set<String> all = new TreeSet<>(known);
        all.addAll(flags);
        throw new UsageException("unknown argument " + name + "; known are " + listed(all));
      }
      String value;
      if (flag) {
        value = "";
      } else if (equals >= 0) {
        value = argument.substring(equals + 1);
      } else if (i < arguments.size() && !arguments.get(i).startsWith("--")) {
        value = arguments.get(i++);
      } else {
        throw new UsageException(name + " needs a value");
      }
      if (values.put(name.substring(2), value) != null) {
        throw new UsageException(name + " is given twice");
      }
    }
    return new Arguments(values, List.copyOf(arguments.subList(i, arguments.size())));
  }

  private static String listed(Set<String> known) {
    List<String> names = new ArrayList<>();
    new TreeSet<>(known).forEach(name -> names.add("--" + name));
    return String.join(", ", names) + ", and the job's options after --";
  }

  /**
   * Returns a required path.
   *
   * @throws UsageException if it is missing
   */
  public Path file(String name) {
    return optionalFile(name).orElseThrow(() -> new UsageException("--" + name + " is missing"));
  }

  /** Returns an optional path. */
  public Optional<Path> optionalFile(String name) {
    try {
      return Optional.ofNullable(values.get(name)).map(Path::of);
    } catch (InvalidPathException e) {
      throw new UsageException("--" + name + " is not a path: " + e.getMessage());
    }
  }

  /** Returns an optional value. */
  public Optional<String> text(String name) {
    return Optional.ofNullable(values.get(name));
  }

  /** Returns whether a value or a flag is given. */
  public boolean has(String name) {
    return values.containsKey(name);
  }

  /**
   * Returns an optional TCP port.
   *
   * @throws UsageException if it is not a number from 1 to 65535
   */
  public OptionalInt port(String name) {
    return values.containsKey(name)
        ? OptionalInt.of(number(name, 0, 1, 65_535))
        : OptionalInt.empty();
  }

  /**
   * Returns a whole number.
   *
   * @param fallback returned if it is not given
   * @throws UsageException if it is not a number from {@code min} to {@code max}
   */
  public int number(String name, int fallback, int min, int max) {
    String value = values.get(name);
    if (value == null) {
      return fallback;
    }
    try {
      int number = Integer.parseInt(value);
      if (number >= min && number <= max) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Reported below, like a number out of range.
    }
    throw new UsageException(
        "--%s is a whole number from %d to %d, not %s".formatted(name, min, max, value));
  }
}

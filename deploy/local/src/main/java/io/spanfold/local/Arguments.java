package io.spanfold.local;

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
 * A command's arguments: {@code --name value} or {@code --name=value}, flags, and after {@code --}
 * the job's own options as they are.
 */
record Arguments(Map<String, String> values, List<String> jobOptions) {

  /**
   * Reads arguments of which only {@code known} names may be given, each once.
   *
   * @throws UsageException where anything else is given
   */
  static Arguments parse(List<String> arguments, Set<String> known) {
    return parse(arguments, known, Set.of());
  }

  /**
   * Reads arguments of which only {@code known} names and {@code flags} may be given, each once. A
   * flag has no value.
   *
   * @throws UsageException where anything else is given
   */
  static Arguments parse(List<String> arguments, Set<String> known, Set<String> flags) {
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
   * Returns a file's path.
   *
   * @throws UsageException where it is not given
   */
  Path file(String name) {
    return optionalFile(name).orElseThrow(() -> new UsageException("--" + name + " is missing"));
  }

  /** Returns a file's path, if it is given. */
  Optional<Path> optionalFile(String name) {
    try {
      return Optional.ofNullable(values.get(name)).map(Path::of);
    } catch (InvalidPathException e) {
      throw new UsageException("--" + name + " is not a path: " + e.getMessage());
    }
  }

  /** Returns the value as it was given, if it was. */
  Optional<String> text(String name) {
    return Optional.ofNullable(values.get(name));
  }

  /** Returns whether it is given. */
  boolean has(String name) {
    return values.containsKey(name);
  }

  /** Returns a TCP port, if it is given. */
  OptionalInt port(String name) {
    return values.containsKey(name)
        ? OptionalInt.of(number(name, 0, 1, 65_535))
        : OptionalInt.empty();
  }

  /**
   * Returns a whole number, or {@code fallback} where it is not given.
   *
   * @throws UsageException where it is not one from {@code least} to {@code most}
   */
  int number(String name, int fallback, int least, int most) {
    String value = values.get(name);
    if (value == null) {
      return fallback;
    }
    try {
      int number = Integer.parseInt(value);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Told below, as a number out of range is.
    }
    throw new UsageException(
        "--%s is a whole number from %d to %d, not %s".formatted(name, least, most, value));
  }
}

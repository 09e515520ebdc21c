package io.spanfold.local;

import java.util.List;
import java.util.regex.Pattern;

/** Finds the sentence that matters in a stack trace that Flink sends as text. */
final class StackTraces {

  private static final String CAUSE = "Caused by: ";
  private static final Pattern CLASS_NAME = Pattern.compile("^(?:[\\w$]+\\.)+[\\w$]+(?:: |$)");

  private StackTraces() {}

  /**
   * Returns the message of the innermost cause on one line; the whole first line where the trace
   * names no cause.
   */
  static String rootCause(String trace) {
    int at = trace.lastIndexOf(CAUSE);
    String innermost = at < 0 ? trace : trace.substring(at + CAUSE.length());
    List<String> message =
        innermost
            .lines()
            .map(String::strip)
            .takeWhile(line -> !line.startsWith("at ") && !line.startsWith("... "))
            .toList();
    String joined = String.join(" ", message).strip();
    String withoutClass = CLASS_NAME.matcher(joined).replaceFirst("");
    return withoutClass.isEmpty() ? joined : withoutClass;
  }
}

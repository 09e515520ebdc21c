package io.spanfold.job.config;

import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Whose spans are dropped as soon as they are parsed. Immutable; asking costs the same always. */
public final class DropRules {

  private static final String ORGANIZATION = "organization:";
  private static final int HEX = 16;
  private static final int DIGITS_A_HALF = 16;

  private final Set<Long> organizations = new HashSet<>();
  private final Set<Long> projects = new HashSet<>();
  private final Set<TraceKey> traces = new HashSet<>();

  /**
   * Reads rules.
   *
   * @param rules each {@code project}, {@code project:trace} with the trace as 32 hexadecimal
   *     digits, or {@code organization:id}; checked before
   */
  public DropRules(List<String> rules) {
    for (String rule : rules) {
      int colon = rule.indexOf(':');
      if (rule.startsWith(ORGANIZATION)) {
        organizations.add(Long.parseLong(rule.substring(ORGANIZATION.length())));
      } else if (colon < 0) {
        projects.add(Long.parseLong(rule));
      } else {
        String trace = rule.substring(colon + 1);
        traces.add(
            new TraceKey(
                Long.parseLong(rule.substring(0, colon)),
                Long.parseUnsignedLong(trace.substring(0, DIGITS_A_HALF), HEX),
                Long.parseUnsignedLong(trace.substring(DIGITS_A_HALF), HEX)));
      }
    }
  }

  /** Returns whether a span is to be dropped. */
  public boolean drop(Span span) {
    return (!organizations.isEmpty() && organizations.contains(span.organizationId()))
        || (!projects.isEmpty() && projects.contains(span.trace().projectId()))
        || (!traces.isEmpty() && traces.contains(span.trace()));
  }
}

package io.spanfold.job.config;

import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import java.io.Serializable;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Which spans are dropped after parsing. The cost of a match does not depend on the rules. */
public record DropRules(Set<Long> organizations, Set<Long> projects, Set<TraceKey> traces)
    implements Serializable {

  /** A trace id as records have it: 32 hexadecimal digits, or 36 characters with dashes. */
  static final String TRACE_ID =
      "[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";

  private static final Pattern RULE =
      Pattern.compile(
          "organization:(?<organization>\\d{1,19})|(?<project>\\d{1,19})(?::(?<trace>%s))?"
              .formatted(TRACE_ID));
  private static final int HALF = 16;

  public DropRules {
    organizations = Set.copyOf(organizations);
    projects = Set.copyOf(projects);
    traces = Set.copyOf(traces);
  }

  /**
   * Parses rules, each {@code project}, {@code project:trace} or {@code organization:id}.
   *
   * @throws IllegalArgumentException if a rule has another form; the message quotes the rule
   */
  static DropRules parse(List<String> rules) {
    Set<Long> organizations = new HashSet<>();
    Set<Long> projects = new HashSet<>();
    Set<TraceKey> traces = new HashSet<>();
    for (String rule : rules) {
      Matcher matcher = RULE.matcher(rule);
      try {
        if (!matcher.matches()) {
          throw new NumberFormatException("not a rule");
        } else if (matcher.group("organization") != null) {
          organizations.add(Long.parseLong(matcher.group("organization")));
        } else if (matcher.group("trace") == null) {
          projects.add(Long.parseLong(matcher.group("project")));
        } else {
          String trace = matcher.group("trace").replace("-", "");
          traces.add(
              new TraceKey(
                  Long.parseLong(matcher.group("project")),
                  HexFormat.fromHexDigitsToLong(trace, 0, HALF),
                  HexFormat.fromHexDigitsToLong(trace, HALF, 2 * HALF)));
        }
      } catch (NumberFormatException e) {
        throw new IllegalArgumentException(
            "has the rule '%s', which is not a project id, project:trace or organization:id"
                .formatted(rule),
            e);
      }
    }
    return new DropRules(organizations, projects, traces);
  }

  public boolean isEmpty() {
    return organizations.isEmpty() && projects.isEmpty() && traces.isEmpty();
  }

  public boolean matches(Span span) {
    return (!organizations.isEmpty() && organizations.contains(span.organizationId()))
        || (!projects.isEmpty() && projects.contains(span.trace().projectId()))
        || (!traces.isEmpty() && traces.contains(span.trace()));
  }
}

package io.spanfold.job.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.format.RejectReason;
import io.spanfold.core.model.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Compares the tables of the documentation with the code, in both directions.
 *
 * <p>With {@code -Dspanfold.update-docs=true} the table of options is written instead of compared:
 *
 * <pre>
 * ./mvnw -pl job -am test -Dtest=DocsTest -Dsurefire.failIfNoSpecifiedTests=false \
 *     -Dspanfold.update-docs=true
 * </pre>
 */
class DocsTest {

  private static final boolean UPDATE = Boolean.getBoolean("spanfold.update-docs");

  /** The tests run in the module's directory, or in the project's if an IDE runs them. */
  private static final Path PROJECT = Path.of(Files.exists(Path.of("docs")) ? "" : "..");

  private static final Path DOCS = PROJECT.resolve("docs");
  private static final Path SOURCES = PROJECT.resolve("job/src/main/java");

  private static final String START = "<!-- options:start -->\n";
  private static final String END = "<!-- options:end -->";

  /** A name in code: a literal (group 1) or a constant (group 2). */
  private static final String NAME = "\\s*(?:\"([^\"]+)\"|([A-Z_]+))";

  private static final Pattern METRIC =
      Pattern.compile("\\.(?:counter|gauge|histogram|meter)\\((?:" + NAME + ")?");

  private static final Pattern HEADER =
      Pattern.compile("(?:headers\\.add|new RecordHeader|new DecimalHeaders)\\(" + NAME);

  private static final Pattern OUTCOME_HEADER =
      Pattern.compile("new OutcomeRecords\\(\\w+,(?:" + NAME + ")?");

  /** The first column of a table in the docs: its title, and the names in backticks below. */
  private record Column(String section, String title, List<String> names) {}

  @Test
  void optionsAreThoseOfTheCode() throws IOException {
    Path page = DOCS.resolve("configuration.md");
    String text = Files.readString(page);
    assertThat(text).containsOnlyOnce(START).containsOnlyOnce(END);
    int start = text.indexOf(START) + START.length();
    int end = text.indexOf(END);
    if (UPDATE) {
      Files.writeString(page, text.substring(0, start) + optionsTable() + text.substring(end));
    } else {
      assertThat(text.substring(start, end))
          .as("the table of options; see %s for how to update it", DocsTest.class.getName())
          .isEqualTo(optionsTable());
    }
  }

  @Test
  void metricsAreThoseOfTheCode() throws IOException {
    assertThat(names("operations/metrics.md", column -> column.title.equals("metric")))
        .isEqualTo(literals(METRIC));
  }

  @Test
  void headersAreThoseOfTheCode() throws IOException {
    Set<String> segments = new TreeSet<>();
    Set<String> deadLetters = new TreeSet<>();
    for (String header : literals(HEADER)) {
      (header.startsWith("spanfold-") ? deadLetters : segments).add(header);
    }

    assertThat(names("records.md", of("Segment headers"))).isEqualTo(segments);
    assertThat(names("records.md", of("Dead-letter headers"))).isEqualTo(deadLetters);
    assertThat(names("records.md", of("Outcome headers"))).isEqualTo(literals(OUTCOME_HEADER));
  }

  @Test
  void reasonsAreThoseOfTheCode() throws IOException {
    assertThat(names("records.md", of("Dead-letter reasons")))
        .isEqualTo(labels(RejectReason.values()));
    assertThat(names("records.md", of("Outcome reasons")))
        .isEqualTo(labels(Outcome.Reason.values()));
  }

  private static String optionsTable() {
    StringBuilder table = new StringBuilder("| option | default | meaning |\n|---|---|---|\n");
    for (OptionsHelp.Row row : OptionsHelp.rows()) {
      String standard = row.hasDefault() ? "`" + row.standard() + "`" : "";
      String description = row.description().replace("|", "\\|");
      table.append("| `%s` | %s | %s |\n".formatted(row.key(), standard, description));
    }
    return table.toString();
  }

  private static Set<String> labels(Enum<?>[] constants) {
    Set<String> labels = new TreeSet<>();
    for (Enum<?> constant : constants) {
      labels.add(constant.name().toLowerCase(Locale.ROOT).replace('_', '-'));
    }
    return labels;
  }

  private static Predicate<Column> of(String section) {
    return column -> column.section.equals(section);
  }

  private static Set<String> names(String page, Predicate<Column> wanted) throws IOException {
    Set<String> names = new TreeSet<>();
    columns(DOCS.resolve(page)).stream().filter(wanted).forEach(c -> names.addAll(c.names));
    return names;
  }

  private static List<Column> columns(Path page) throws IOException {
    List<Column> columns = new ArrayList<>();
    String section = "";
    Column current = null;
    for (String line : Files.readAllLines(page)) {
      if (line.startsWith("#")) {
        section = line.replaceFirst("#+ ", "");
      }
      if (!line.startsWith("|")) {
        current = null;
      } else if (current == null) {
        current = new Column(section, line.split("\\|", -1)[1].strip(), new ArrayList<>());
        columns.add(current);
      } else {
        Matcher name = Pattern.compile("`([^`]+)`").matcher(line.split("\\|", -1)[1]);
        while (name.find()) {
          current.names.add(name.group(1));
        }
      }
    }
    return columns;
  }

  private static Set<String> literals(Pattern call) throws IOException {
    Set<String> literals = new TreeSet<>();
    for (Path source : sources()) {
      String code = Files.readString(source);
      for (MatchResult match : call.matcher(code).results().toList()) {
        literals.add(match.group(1) != null ? match.group(1) : constant(match, code));
      }
    }
    return literals;
  }

  private static String constant(MatchResult call, String code) {
    Matcher constant = Pattern.compile("String " + call.group(2) + " = \"([^\"]+)\"").matcher(code);
    assertThat(constant.find()).as("a literal or constant name in %s", call.group()).isTrue();
    return constant.group(1);
  }

  private static List<Path> sources() throws IOException {
    try (Stream<Path> files = Files.walk(SOURCES)) {
      return files.filter(file -> file.toString().endsWith(".java")).toList();
    }
  }
}

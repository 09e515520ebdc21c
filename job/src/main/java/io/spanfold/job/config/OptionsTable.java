package io.spanfold.job.config;

import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.description.HtmlFormatter;
import org.apache.flink.util.TimeUtils;

/** Lists all options for readers: as the README's table and as the text of {@code --help}. */
public final class OptionsTable {

  private static final String NO_DEFAULT = "(none)";
  private static final int HELP_WIDTH = 100;
  private static final String HELP_INDENT = "      ";
  private static final String KAFKA_PROPERTIES = SpanfoldOptions.KAFKA_PROPERTIES_PREFIX + "*";
  private static final String KAFKA_PROPERTIES_DESCRIPTION =
      "Any property of the Kafka clients, such as `kafka.properties.security.protocol`;"
          + " `transaction.timeout.ms` is 900000 unless given here.";

  private OptionsTable() {}

  /** Returns the Markdown table of all options, its last line ended. */
  public static String markdown() {
    StringBuilder out = new StringBuilder("| option | default | meaning |\n|---|---|---|\n");
    for (Row row : rows()) {
      String shown = row.standard().equals(NO_DEFAULT) ? "" : "`" + row.standard() + "`";
      out.append("| `").append(row.key()).append("` | ").append(shown).append(" | ");
      out.append(row.description().replace("|", "\\|")).append(" |\n");
    }
    return out.toString();
  }

  /** Returns the text of {@code --help}, wrapped at 100 columns, its last line ended. */
  public static String help() {
    StringBuilder out =
        new StringBuilder(
            """
            Spanfold folds the spans of a Kafka topic into segments.

            Options are given as --name value or --name=value, or in a file named by --config FILE
            with a line `name: value` or `name = value` each; arguments win over the file.
            Durations and sizes are written as in Flink: 500 ms, 10 s, 15 min, 24 h; 64 kb, 16 mb.
            --print-config shows the options in force, without secrets, instead of starting the job.
            --check asks Kafka and Redis whether they are fit for it instead, and fails where not.

            """);
    for (Row row : rows()) {
      out.append("  --").append(row.key()).append("  [").append(row.standard()).append("]\n");
      wrap(row.description().replace("`", ""), out);
    }
    return out.toString();
  }

  private static List<Row> rows() {
    List<Row> rows =
        SpanfoldOptions.ALL.stream().map(OptionsTable::row).collect(Collectors.toList());
    // Beside the other option about Kafka itself.
    rows.add(1, new Row(KAFKA_PROPERTIES, NO_DEFAULT, KAFKA_PROPERTIES_DESCRIPTION));
    return rows;
  }

  private static Row row(ConfigOption<?> option) {
    String standard = option.hasDefaultValue() ? text(option.defaultValue()) : NO_DEFAULT;
    // The descriptions are plain text; this formatter is the public way to get at it.
    String description = new HtmlFormatter().format(option.description());
    return new Row(option.key(), standard, description);
  }

  /** Returns {@code value} as it would be written in a configuration. */
  static String text(Object value) {
    if (value instanceof Duration duration) {
      return TimeUtils.formatWithHighestUnit(duration);
    }
    if (value instanceof MemorySize size) {
      return size.toString();
    }
    if (value instanceof List<?> list) {
      return list.isEmpty()
          ? NO_DEFAULT
          : list.stream().map(Object::toString).collect(Collectors.joining(";"));
    }
    return String.valueOf(value);
  }

  private static void wrap(String text, StringBuilder out) {
    int column = 0;
    for (String word : text.split(" ", -1)) {
      if (column == 0) {
        out.append(HELP_INDENT).append(word);
        column = HELP_INDENT.length() + word.length();
      } else if (column + 1 + word.length() > HELP_WIDTH) {
        out.append('\n').append(HELP_INDENT).append(word);
        column = HELP_INDENT.length() + word.length();
      } else {
        out.append(' ').append(word);
        column += 1 + word.length();
      }
    }
    out.append('\n');
  }

  private record Row(String key, String standard, String description) {}
}

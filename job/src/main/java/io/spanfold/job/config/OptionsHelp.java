package io.spanfold.job.config;

import java.util.List;
import java.util.stream.Collectors;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.description.HtmlFormatter;

/** The text of {@code --help}. */
public final class OptionsHelp {

  private static final int WIDTH = 100;
  private static final String INDENT = "      ";
  private static final String NO_DEFAULT = "(none)";

  private OptionsHelp() {}

  /** An option as it is shown: {@code standard} is its default, or {@code (none)}. */
  record Row(String key, String standard, String description) {

    boolean hasDefault() {
      return !standard.equals(NO_DEFAULT);
    }
  }

  /** Returns the text, wrapped at 100 columns. */
  public static String text() {
    StringBuilder out =
        new StringBuilder(
            """
            Spanfold groups the spans of a Kafka topic into segments.

            Options are given as --name value or --name=value, or in a file that --config FILE names,
            with a line `name: value` or `name = value` each. Arguments win over the file.
            Durations and sizes are written as in Flink: 500 ms, 10 s, 15 min, 24 h; 64 kb, 16 mb.
            --print-config prints the options in force, without secrets, and does not start the job.
            --check checks Kafka and Redis, fails if they do not fit, and does not start the job.

            """);
    for (Row row : rows()) {
      out.append("  --").append(row.key).append("  [").append(row.standard).append("]\n");
      wrap(row.description.replace("`", ""), out);
    }
    return out.toString();
  }

  static List<Row> rows() {
    List<Row> rows =
        SpanfoldOptions.ALL.stream().map(OptionsHelp::row).collect(Collectors.toList());
    rows.add(
        1, // Next to the other option of Kafka's clients.
        new Row(
            SpanfoldOptions.KAFKA_PROPERTIES_PREFIX + "*",
            NO_DEFAULT,
            SpanfoldOptions.KAFKA_PROPERTIES_DESCRIPTION));
    return rows;
  }

  private static Row row(ConfigOption<?> option) {
    String standard = OptionReader.text(option.defaultValue());
    return new Row(
        option.key(),
        standard.isEmpty() ? NO_DEFAULT : standard,
        // The descriptions are plain text; a formatter is the public way to read them.
        new HtmlFormatter().format(option.description()));
  }

  private static void wrap(String text, StringBuilder out) {
    StringBuilder line = new StringBuilder(INDENT);
    for (String word : text.split(" ", -1)) {
      if (line.length() + word.length() > WIDTH) {
        out.append(line.toString().stripTrailing()).append('\n');
        line.setLength(INDENT.length());
      }
      line.append(word).append(' ');
    }
    out.append(line.toString().stripTrailing()).append('\n');
  }
}

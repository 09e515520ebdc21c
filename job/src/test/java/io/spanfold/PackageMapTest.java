package io.spanfold;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Compares the list of packages and the picture of their dependencies in {@code
 * docs/development.md} with the code. Run with {@code -Dspanfold.update-docs=true}, it rewrites
 * them.
 */
class PackageMapTest {

  private static final String ROOT = "io.spanfold";
  private static final Path PAGE = Path.of("..", "docs", "development.md");
  private static final Path SOURCES = Path.of("src", "main", "java");
  private static final Pattern MAP =
      Pattern.compile("(?s)(<!-- packages:start -->\n).*(<!-- packages:end -->)");
  private static final Pattern FIRST_SENTENCE =
      Pattern.compile("(?s)/\\*\\*[\\s*]*(.*?[.])(\\s|\\*/)");
  private static final List<String> LAYERS = List.of("job", "buffer", "core");

  @Test
  void theDevelopmentPageShowsThePackagesAndTheirDependencies() throws IOException {
    Map<String, Set<String>> dependencies = dependencies();
    String map = table(dependencies) + "\n" + picture(reduced(dependencies));
    String page = Files.readString(PAGE);
    Matcher matcher = MAP.matcher(page);
    assertThat(matcher.find()).as("markers of the package map in %s", PAGE).isTrue();
    String expected =
        matcher.replaceFirst("$1" + Matcher.quoteReplacement("\n" + map + "\n") + "$2");
    if (Boolean.getBoolean("spanfold.update-docs")) {
      Files.writeString(PAGE, expected);
      return;
    }
    assertThat(page).as("run with -Dspanfold.update-docs=true to rewrite it").isEqualTo(expected);
  }

  private static Map<String, Set<String>> dependencies() {
    JavaClasses classes =
        new ClassFileImporter()
            .importUrl(SpanfoldJob.class.getProtectionDomain().getCodeSource().getLocation());
    Map<String, Set<String>> dependencies = new TreeMap<>();
    for (JavaClass type : classes) {
      Set<String> targets = dependencies.computeIfAbsent(shortName(type), name -> new TreeSet<>());
      type.getDirectDependenciesFromSelf().stream()
          .map(dependency -> dependency.getTargetClass())
          .filter(target -> target.getPackageName().startsWith(ROOT))
          .map(PackageMapTest::shortName)
          .filter(target -> !target.equals(shortName(type)))
          .forEach(targets::add);
    }
    return dependencies;
  }

  private static String shortName(JavaClass type) {
    String name = type.getPackageName();
    return name.equals(ROOT) ? "SpanfoldJob" : name.substring(ROOT.length() + 1);
  }

  /** Omits dependencies that others imply; packages are free of cycles. */
  private static Map<String, Set<String>> reduced(Map<String, Set<String>> dependencies) {
    Map<String, Set<String>> reduced = new TreeMap<>();
    dependencies.forEach(
        (name, targets) -> {
          Set<String> direct = new TreeSet<>(targets);
          targets.forEach(target -> direct.removeAll(reachable(target, dependencies)));
          reduced.put(name, direct);
        });
    return reduced;
  }

  private static Set<String> reachable(String from, Map<String, Set<String>> dependencies) {
    Set<String> reached = new TreeSet<>();
    for (String target : dependencies.getOrDefault(from, Set.of())) {
      if (reached.add(target)) {
        reached.addAll(reachable(target, dependencies));
      }
    }
    return reached;
  }

  private static String table(Map<String, Set<String>> dependencies) throws IOException {
    StringBuilder table = new StringBuilder("| package | what it does |\n|---|---|\n");
    for (String name : dependencies.keySet()) {
      if (!name.equals("SpanfoldJob")) {
        table.append("| `%s` | %s |\n".formatted(name, role(name)));
      }
    }
    return table.toString();
  }

  private static String role(String name) throws IOException {
    Path description =
        SOURCES.resolve((ROOT + "." + name).replace('.', '/')).resolve("package-info.java");
    assertThat(description).as("every package says what it does").exists();
    Matcher sentence = FIRST_SENTENCE.matcher(Files.readString(description));
    assertThat(sentence.find()).as("%s begins with a sentence", description).isTrue();
    return sentence
        .group(1)
        .replaceAll("\\s*\n\\s*\\*\\s*", " ")
        .replaceAll("\\{@link (?:[\\w.]+\\.)?(\\w+)}", "`$1`")
        .replaceAll("\\{@code ([^}]+)}", "`$1`");
  }

  private static String picture(Map<String, Set<String>> dependencies) {
    StringBuilder picture = new StringBuilder("```mermaid\nflowchart TD\n  SpanfoldJob\n");
    for (String layer : LAYERS) {
      picture.append("  subgraph %s\n".formatted(layer));
      names(dependencies.keySet(), layer)
          .forEach(name -> picture.append("    %s\n".formatted(node(name))));
      picture.append("  end\n");
    }
    dependencies.forEach(
        (name, targets) -> {
          if (!targets.isEmpty()) {
            picture.append(
                "  %s --> %s\n"
                    .formatted(
                        id(name),
                        targets.stream().map(PackageMapTest::id).collect(joining(" & "))));
          }
        });
    return picture.append("```\n").toString();
  }

  private static List<String> names(Collection<String> all, String layer) {
    return all.stream().filter(name -> name.equals(layer) || name.startsWith(layer + ".")).toList();
  }

  private static String node(String name) {
    return "%s[%s]".formatted(id(name), name);
  }

  private static String id(String name) {
    return name.equals("SpanfoldJob") ? name : name.replace('.', '_') + "_";
  }
}

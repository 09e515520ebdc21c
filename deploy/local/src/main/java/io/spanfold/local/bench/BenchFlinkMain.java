package io.spanfold.local.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.local.servers.FlinkMiniCluster;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import one.profiler.AsyncProfiler;

/**
 * The main class of a Flink process. It prints the address of the REST interface, then answers the
 * questions on its standard input, and ends at the end of the input.
 *
 * <p>{@code counters} returns the jobs' counters, {@code sample} these and the resources used so
 * far. {@code profile} starts a profile, {@code profiled FILE} ends it.
 */
final class BenchFlinkMain {

  /** Prefix of an answer; other output is ignored. */
  static final String ANSWER = "@";

  private static final ObjectMapper JSON = new ObjectMapper();

  private BenchFlinkMain() {}

  /** Arguments: directory, slots, then Flink options as {@code name=value}. */
  public static void main(String[] args) throws IOException {
    Map<String, String> options = new HashMap<>();
    for (int i = 2; i < args.length; i++) {
      String[] option = args[i].split("=", 2);
      options.put(option[0], option[1]);
    }
    FlinkMiniCluster flink =
        FlinkMiniCluster.start(
            Path.of(args[0]),
            Path.of(System.getProperty("log.file")),
            Integer.parseInt(args[1]),
            OptionalInt.empty(),
            options);
    System.out.println(ANSWER + flink.address());
    BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    for (String line = questions.readLine(); line != null; line = questions.readLine()) {
      System.out.println(ANSWER + answer(line));
    }
    System.exit(0);
  }

  private static String answer(String question) throws IOException {
    if (question.equals("counters")) {
      return JSON.writeValueAsString(Sample.ofCounters());
    }
    if (question.equals("sample")) {
      return JSON.writeValueAsString(Sample.now());
    }
    if (question.equals("profile")) {
      return AsyncProfiler.getInstance()
          .execute("start,event=itimer,interval=2ms,threads")
          .replace('\n', ' ');
    }
    if (question.startsWith("profiled ")) {
      return AsyncProfiler.getInstance()
          .execute("stop,collapsed,file=" + question.substring("profiled ".length()))
          .replace('\n', ' ');
    }
    throw new IllegalArgumentException("unknown question: " + question);
  }
}

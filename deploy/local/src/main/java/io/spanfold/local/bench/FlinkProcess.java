package io.spanfold.local.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.spanfold.local.LocalFlink;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import one.profiler.AsyncProfiler;

/**
 * Flink as a process: says where its REST interface is, then answers questions, and ends with its
 * standard input.
 *
 * <p>{@code counters} is answered by the jobs' counters, {@code sample} by these and what the
 * process has used so far, {@code profile} and {@code profiled FILE} begin and end a profile.
 */
final class FlinkProcess {

  private static final ObjectMapper JSON = new ObjectMapper();

  private FlinkProcess() {}

  /** Arguments: directory, log, slots, then options of Flink as {@code name=value}. */
  public static void main(String[] args) throws IOException {
    Map<String, String> options = new HashMap<>();
    for (int i = 3; i < args.length; i++) {
      String[] option = args[i].split("=", 2);
      options.put(option[0], option[1]);
    }
    LocalFlink flink =
        LocalFlink.start(
            Path.of(args[0]),
            Path.of(args[1]),
            Integer.parseInt(args[2]),
            OptionalInt.empty(),
            options);
    System.out.println(ChildJvm.ANSWER + flink.address());
    BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    for (String line = questions.readLine(); line != null; line = questions.readLine()) {
      System.out.println(ChildJvm.ANSWER + answer(line));
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

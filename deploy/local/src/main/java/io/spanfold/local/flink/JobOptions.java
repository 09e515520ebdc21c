package io.spanfold.local.flink;

import io.spanfold.local.cli.UsageException;
import io.spanfold.local.kafka.Topics;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The job's options: those that a command sets, and those that the user gives. */
public final class JobOptions {

  /** Options that only work with the command's own servers and topics. */
  private static final Set<String> FIXED =
      Set.of(
          "kafka.bootstrap.servers",
          "source.topic",
          "source.bounded",
          "sink.topic",
          "dead-letter.topic",
          "outcomes.topic");

  private final Map<String, String> own = new LinkedHashMap<>();
  private final List<String> given;

  /**
   * Takes the user's options, {@code --name value} or {@code --name=value}.
   *
   * @throws UsageException if only the command may set one of them
   */
  public JobOptions(List<String> given) {
    this.given = List.copyOf(given);
    for (String name : FIXED) {
      if (isGiven(name)) {
        throw new UsageException(
            "--" + name + " cannot be given here: deploy/local.sh sets it to its own servers");
      }
    }
  }

  /** Sets an option unless the user gave it. */
  public JobOptions set(String name, String value) {
    if (!isGiven(name)) {
      own.put(name, value);
    }
    return this;
  }

  /**
   * Sets the servers and the topics.
   *
   * @param bounded whether the job ends at the current end of the source topic
   */
  public JobOptions connect(String bootstrapServers, String redisUri, boolean bounded) {
    return set("kafka.bootstrap.servers", bootstrapServers)
        .set("source.topic", Topics.SPANS)
        .set("source.bounded", String.valueOf(bounded))
        .set("sink.topic", Topics.SEGMENTS)
        .set("dead-letter.topic", Topics.DEAD_LETTERS)
        .set("outcomes.topic", Topics.OUTCOMES)
        .set("redis.uri", redisUri)
        .set("redis.buffer", "local")
        .set("sink.transactional-id-prefix", "spanfold-local");
  }

  /** Returns whether the user gave an option. */
  public boolean isGiven(String name) {
    return given.stream().anyMatch(o -> o.equals("--" + name) || o.startsWith("--" + name + "="));
  }

  /** Returns the program arguments. */
  List<String> toArguments() {
    List<String> all = new ArrayList<>();
    own.forEach((name, value) -> all.addAll(List.of("--" + name, value)));
    all.addAll(given);
    return all;
  }

  /** Returns the options by name. Arguments that are no options are left out. */
  public Map<String, String> toMap() {
    Map<String, String> all = new LinkedHashMap<>(own);
    for (int i = 0; i < given.size(); i++) {
      String[] option = given.get(i).split("=", 2);
      if (option[0].startsWith("--")) {
        boolean valueFollows = i + 1 < given.size() && !given.get(i + 1).startsWith("--");
        String value = option.length == 2 ? option[1] : valueFollows ? given.get(i + 1) : "true";
        all.put(option[0].substring(2), value);
      }
    }
    return all;
  }

  /** Returns how many slots the job needs: the largest parallelism of any option. */
  public int slots(int parallelism) {
    int slots = parallelism;
    for (int i = 0; i < given.size(); i++) {
      String[] option = given.get(i).split("=", 2);
      if (option[0].endsWith(".parallelism")) {
        String value =
            option.length == 2 ? option[1] : i + 1 < given.size() ? given.get(i + 1) : "";
        // The job itself refuses a value that is no number.
        slots = value.matches("\\d{1,3}") ? Math.max(slots, Integer.parseInt(value)) : slots;
      }
    }
    return slots;
  }
}

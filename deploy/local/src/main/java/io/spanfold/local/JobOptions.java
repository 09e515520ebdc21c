package io.spanfold.local;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Puts together the job's options: what the servers make necessary, and what the user gave. */
final class JobOptions {

  /** What a command reads and writes itself, so that another value could not work. */
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
   * @throws UsageException where one of them is set by the command itself
   */
  JobOptions(List<String> given) {
    this.given = List.copyOf(given);
    for (String name : FIXED) {
      if (isGiven(name)) {
        throw new UsageException(
            "--" + name + " cannot be given here: deploy/local.sh sets it to its own servers");
      }
    }
  }

  /** Sets an option unless the user gave it. */
  JobOptions set(String name, String value) {
    if (!isGiven(name)) {
      own.put(name, value);
    }
    return this;
  }

  /** Sets what makes the job use these servers, and the topics of a run. */
  JobOptions connect(String bootstrapServers, String redisUri) {
    return set("kafka.bootstrap.servers", bootstrapServers)
        .set("source.topic", Topics.SPANS)
        .set("sink.topic", Topics.SEGMENTS)
        .set("dead-letter.topic", Topics.DEAD_LETTERS)
        .set("outcomes.topic", Topics.OUTCOMES)
        .set("redis.uri", redisUri)
        .set("redis.buffer", "local")
        .set("sink.transactional-id-prefix", "spanfold-local");
  }

  /** Returns whether the user gave an option. */
  boolean isGiven(String name) {
    return given.stream().anyMatch(o -> o.equals("--" + name) || o.startsWith("--" + name + "="));
  }

  /** Returns the program arguments. */
  List<String> toArguments() {
    List<String> all = new ArrayList<>();
    own.forEach((name, value) -> all.addAll(List.of("--" + name, value)));
    all.addAll(given);
    return all;
  }

  /** Returns the options by name. What has another form than an option is left out. */
  Map<String, String> toMap() {
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

  /** Returns how many slots the job needs: the largest parallelism that any option asks for. */
  int slots(int parallelism) {
    int slots = parallelism;
    for (int i = 0; i < given.size(); i++) {
      String[] option = given.get(i).split("=", 2);
      if (option[0].endsWith(".parallelism")) {
        String value =
            option.length == 2 ? option[1] : i + 1 < given.size() ? given.get(i + 1) : "";
        // What is no number is the job's to refuse.
        slots = value.matches("\\d{1,3}") ? Math.max(slots, Integer.parseInt(value)) : slots;
      }
    }
    return slots;
  }
}

package io.spanfold.local.servers;

import io.spanfold.local.cli.Arguments;
import java.util.Map;
import java.util.OptionalInt;

/**
 * The servers to start.
 *
 * @param partitions of the source topic and of the segments
 * @param kafkaPort empty for a free one
 * @param webPort of Flink's web UI; empty for a free one
 * @param redisBytes the memory limit of each Redis master; 0 for none
 * @param flinkConfiguration Flink options that override the defaults
 */
public record ServerSettings(
    int partitions,
    OptionalInt kafkaPort,
    OptionalInt webPort,
    long redisBytes,
    Map<String, String> flinkConfiguration) {

  /** Takes the ports from a command's arguments. */
  public static ServerSettings of(
      Arguments arguments, int partitions, Map<String, String> flinkConfiguration) {
    return new ServerSettings(
        partitions,
        arguments.port("kafka-port"),
        arguments.port("web-port"),
        0,
        flinkConfiguration);
  }

  /** Uses free ports. */
  public static ServerSettings of(int partitions, Map<String, String> flinkConfiguration) {
    return new ServerSettings(
        partitions, OptionalInt.empty(), OptionalInt.empty(), 0, flinkConfiguration);
  }

  /** Returns these settings with a memory limit for each Redis master, in bytes; 0 for none. */
  public ServerSettings withRedisBytes(long bytes) {
    return new ServerSettings(partitions, kafkaPort, webPort, bytes, flinkConfiguration);
  }
}

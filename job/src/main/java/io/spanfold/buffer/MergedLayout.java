package io.spanfold.buffer;

import java.util.List;
import redis.clients.jedis.CommandObjects;

/**
 * A set for each segment, on its trace's slot: a hot trace is with one node. A member is the
 * subsegment's id in hexadecimal, then the payload. The scripts file, move and remove members along
 * with the index, in one step with it.
 */
final class MergedLayout implements PayloadLayout {

  static final int BIT = 1;

  /** What stands before the payload. */
  static final int ID_DIGITS = 16;

  private final CommandObjects commands;
  private final RedisPipelines pipelines;

  MergedLayout(CommandObjects commands, RedisPipelines pipelines) {
    this.commands = commands;
    this.pipelines = pipelines;
  }

  @Override
  public int bit() {
    return BIT;
  }

  @Override
  public List<byte[]> load(List<Wanted> wanted) {
    return new MergedSearch(commands, pipelines, wanted).run();
  }
}

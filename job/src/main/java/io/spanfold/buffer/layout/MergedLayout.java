package io.spanfold.buffer.layout;

import io.spanfold.buffer.redis.RedisPipelines;
import java.util.List;

/**
 * A set for each segment, on its trace's slot: a hot trace is with one node. A member is the
 * subsegment's id in hexadecimal, then the payload. The scripts file, move and remove members along
 * with the index, in one step with it.
 */
public final class MergedLayout implements PayloadLayout {

  public static final int BIT = 1;

  /** What stands before the payload. */
  public static final int ID_DIGITS = 16;

  private final RedisPipelines pipelines;

  MergedLayout(RedisPipelines pipelines) {
    this.pipelines = pipelines;
  }

  @Override
  public int bit() {
    return BIT;
  }

  @Override
  public List<byte[]> load(List<Wanted> wanted) {
    return new MergedSearch(pipelines, wanted).run();
  }
}

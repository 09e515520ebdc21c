package io.spanfold.buffer.layout;

import io.spanfold.buffer.redis.RedisPipelines;
import java.util.List;

/**
 * A set for each segment, on its trace's slot: one node has all of a hot trace. A member is the
 * subsegment's id in 16 hexadecimal digits, then the payload. The scripts add, move and remove
 * members atomically with the index.
 */
public final class MergedLayout implements PayloadLayout {

  public static final int BIT = 1;

  static final int ID_DIGITS = 16;

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

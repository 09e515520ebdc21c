package io.spanfold.buffer.layout;

import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import java.util.List;

/**
 * The payloads of one trace's share of a batch in stored form, as the layouts that are written need
 * them.
 *
 * @param trace the trace
 * @param subsegments its subsegments, as they are once they are stored
 * @param written the bits of the layouts to write
 * @param together one payload of all subsegments; null if no layout to write needs it
 * @param single a payload of each subsegment; null if no layout to write needs them
 */
public record StoredShare(
    TraceKey trace,
    List<Subsegment> subsegments,
    int written,
    byte[] together,
    List<byte[]> single) {

  /** Returns whether the merged layout is written, whose payloads go with the index. */
  public boolean isMerged() {
    return (written & MergedLayout.BIT) != 0;
  }
}

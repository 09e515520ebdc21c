package io.spanfold.buffer.index;

import io.spanfold.core.model.Generation;
import io.spanfold.core.model.Subsegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What one call adds to the record of a large trace.
 *
 * @param arguments three arguments a subsegment
 * @param parents the parents of the subsegments, each once
 */
record LargeSharePiece(List<byte[]> arguments, List<Long> parents) {

  private static final byte[] NOTHING = {};

  /** As many ids of spans take the script as long as a subsegment. */
  private static final int SUBSEGMENT_IDS = 4;

  /**
   * Cuts a share into pieces of at most {@code maxIds} ids of spans; a subsegment counts as four. A
   * subsegment with more spans is in several pieces: to the script a repeat, of which it takes the
   * spans that are new.
   *
   * @param mergedPayloads the payloads of its subsegments; null for none
   */
  static List<LargeSharePiece> cut(TraceShare share, List<byte[]> mergedPayloads, int maxIds) {
    List<LargeSharePiece> pieces = new ArrayList<>();
    LargeSharePiece piece = null;
    int room = 0;
    for (int i = 0; i < share.subsegments().size(); i++) {
      Subsegment subsegment = share.subsegments().get(i);
      long[] spanIds = share.spanIds().get(i);
      byte[] payload = mergedPayloads == null ? NOTHING : mergedPayloads.get(i);
      int from = 0;
      do {
        if (room <= SUBSEGMENT_IDS) {
          piece = new LargeSharePiece(new ArrayList<>(), new ArrayList<>());
          pieces.add(piece);
          room = maxIds;
        }
        int to = Math.min(spanIds.length, from + room - SUBSEGMENT_IDS);
        piece.add(subsegment, share.generation(), spanIds, from, to, payload);
        payload = NOTHING;
        room -= SUBSEGMENT_IDS + to - from;
        from = to;
      } while (from < spanIds.length);
    }
    return pieces;
  }

  private void add(
      Subsegment subsegment,
      Generation generation,
      long[] spanIds,
      int from,
      int to,
      byte[] payload) {
    long parent = subsegment.parentId();
    ByteBuffer described =
        ByteBuffer.allocate(Long.BYTES + 1 + SubsegmentRecord.BYTES)
            .putLong(parent)
            .put((byte) (subsegment.root() ? 1 : 0));
    SubsegmentRecord.write(subsegment, generation, described);
    ByteBuffer spans = ByteBuffer.allocate(Long.BYTES * (to - from));
    for (int i = from; i < to; i++) {
      spans.putLong(spanIds[i]);
    }
    arguments.add(described.array());
    arguments.add(spans.array());
    arguments.add(payload);
    if (!parents.contains(parent)) {
      parents.add(parent);
    }
  }

  long[] parentIds() {
    return parents.stream().mapToLong(Long::longValue).toArray();
  }
}

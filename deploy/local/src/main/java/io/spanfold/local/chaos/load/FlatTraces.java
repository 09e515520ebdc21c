package io.spanfold.local.chaos.load;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.local.chaos.load.PlannedRecord.PlannedSpan;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/**
 * Plans traces of a root and its direct children. Each span's segment has the root's id, whether or
 * not the root was read before, or at all: without it, the segment has the id of the missing
 * parent, which is the same. So the result does not depend on record times. Not thread-safe.
 */
public final class FlatTraces {

  /** The project of all of them, which no other generated trace has. */
  public static final long PROJECT = 99;

  private static final HexFormat HEX = HexFormat.of();
  private static final int PADDING_BYTES = 50;

  private final Random random;

  public FlatTraces(Random random) {
    this.random = random;
  }

  /** Returns the records of the next trace: a child, the root, another child. All are due at 0. */
  public List<PlannedRecord> next() {
    String trace = hex(16);
    String root = hex(8);
    return Stream.of(hex(8), root, hex(8)).map(span -> record(trace, root, span)).toList();
  }

  private PlannedRecord record(String trace, String root, String span) {
    String padding = hex(PADDING_BYTES);
    String parent = span.equals(root) ? "null" : '"' + root + '"';
    String json =
        """
        {"organization_id":1,"project_id":%d,"trace_id":"%s","span_id":"%s","parent_span_id":%s,\
        "end_timestamp":1700000000.5,"padding":"%s"}"""
            .formatted(PROJECT, trace, span, parent, padding);
    PlannedSpan planned =
        new PlannedSpan(PROJECT + ":" + trace, span, root, PlannedSpan.checksum(padding), false);
    return new PlannedRecord(0, trace, json.getBytes(UTF_8), planned);
  }

  private String hex(int bytes) {
    byte[] id = new byte[bytes];
    random.nextBytes(id);
    return HEX.formatHex(id);
  }
}

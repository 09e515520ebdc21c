package io.spanfold.buffer.index;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.nio.ByteBuffer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the record of a large trace, a hash with a field for each id. Fields and values have fixed
 * forms, so the hash can be read in pages, in any order.
 */
public final class LargeRecord {

  /** A field whose name is a letter and an id. */
  private static final int LETTER_AND_ID = 1 + Long.BYTES;

  private static final String MERGED = "merged";

  private static final Pattern SEGMENT =
      Pattern.compile("(\\d{1,18}) (\\d{1,18}) (\\d{1,18}) ([01]).*", Pattern.DOTALL);

  private LargeRecord() {}

  /** Receives the contents of fields. A field may be received twice, because scans repeat some. */
  public interface Visitor {

    /** An id that leads to another; to itself if it names a segment. */
    default void redirect(long id, long to) {}

    /**
     * A subsegment.
     *
     * @param segment the name of its segment at the time when it was written
     */
    default void subsegment(long segment, SubsegmentRecord subsegment) {}

    /**
     * The counters of a segment.
     *
     * @param hasRoot whether its root is known
     */
    default void segment(long id, long subsegments, long spans, long bytes, boolean hasRoot) {}

    /** A former name of a segment. */
    default void formerName(long name) {}

    /** The trace has, or had, merged payloads. */
    default void merged() {}
  }

  /** Returns the name of the field that says under which segment a subsegment was filed. */
  public static byte[] subsegmentField(long subsegment) {
    return ByteBuffer.allocate(LETTER_AND_ID).put((byte) 'm').putLong(subsegment).array();
  }

  /** Returns the name of the field that says where an id leads. */
  public static byte[] redirectField(long id) {
    return ByteBuffer.allocate(Long.BYTES).putLong(id).array();
  }

  /** Passes the contents of a field to {@code visitor}. Fields that mean nothing are ignored. */
  public static void visit(byte[] name, byte[] value, Visitor visitor) {
    if (name.length == Long.BYTES && value.length == Long.BYTES) {
      visitor.redirect(ByteBuffer.wrap(name).getLong(), ByteBuffer.wrap(value).getLong());
    } else if (name.length == LETTER_AND_ID) {
      visit((char) name[0], ByteBuffer.wrap(name).getLong(1), value, visitor);
    } else if (new String(name, ISO_8859_1).equals(MERGED)) {
      visitor.merged();
    }
  }

  private static void visit(char letter, long id, byte[] value, Visitor visitor) {
    if (letter == 'm' && value.length == SubsegmentRecord.BYTES) {
      ByteBuffer in = ByteBuffer.wrap(value);
      long segment = in.getLong();
      visitor.subsegment(segment, SubsegmentRecord.read(id, in));
    } else if (letter == 'n') {
      visitor.formerName(id);
    } else if (letter == 's') {
      Matcher counters = SEGMENT.matcher(new String(value, ISO_8859_1));
      if (counters.matches()) {
        visitor.segment(
            id,
            Long.parseLong(counters.group(1)),
            Long.parseLong(counters.group(2)),
            Long.parseLong(counters.group(3)),
            counters.group(4).equals("1"));
      }
    }
  }
}

package io.spanfold.core.batch;

import io.spanfold.core.model.SourcePositions;
import io.spanfold.core.model.Span;
import io.spanfold.core.model.SpanBatch.TraceSpans;
import io.spanfold.core.model.SpanBatch.UnstoredSubsegment;
import io.spanfold.core.model.SpanColumns;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.core.payload.SpanFrames;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.commons.codec.digest.MurmurHash3;

/**
 * Groups one trace's spans of a batch by their topmost parent. Spans of one group certainly belong
 * to one segment. Stateless.
 *
 * @param maxGap a group is divided between spans that are further apart in record time than this
 *     (milliseconds), because a deadline may be in between: the fold is correct in either case, but
 *     two parts would have to share a payload
 * @param maxBytes a group is divided before its records exceed this length, so that a part can be
 *     closed near its size
 * @param layouts which layouts the subsegments are to be stored in, as bits of {@code
 *     PayloadLayout}; set before they are written, so that a crash in between leaves no payload
 *     unknown
 */
public record SubsegmentGrouping(long maxGap, long maxBytes, int layouts) implements Serializable {

  private static final Comparator<Member> BY_POSITION = (a, b) -> comparePositions(a.span, b.span);

  /**
   * Groups {@code spans} of one trace, which are in the order in which they came. The list is not
   * kept.
   */
  public TraceSpans group(TraceKey trace, List<Span> spans) {
    int count = spans.size();
    long[] topmostParents = TopmostParents.of(spans);
    FirstRows firstRows = new FirstRows(topmostParents);
    List<Group> groups = new ArrayList<>();
    // By the first row that has its topmost parent.
    Group[] open = new Group[count];
    Member[] members = new Member[count];
    for (int row = 0; row < count; row++) {
      Member member = new Member(spans.get(row));
      members[row] = member;
      int first = firstRows.add(row);
      if (open[first] == null || !open[first].takes(member.span, this)) {
        open[first] = new Group(groups.size(), topmostParents[row]);
        groups.add(open[first]);
      }
      open[first].add(member);
    }
    ByteBuffer payload = ByteBuffer.allocate(payloadBytes(groups));
    List<UnstoredSubsegment> subsegments = new ArrayList<>(groups.size());
    for (Group group : groups) {
      subsegments.add(group.close(layouts, payload));
    }
    SpanColumns columns = new SpanColumns(count);
    for (Member member : members) {
      Span span = member.span;
      columns.add(
          span.spanId(),
          span.parentId(),
          span.root(),
          span.timestamp(),
          span.record().length,
          member.subsegment,
          member.index);
    }
    return new TraceSpans(trace, columns, subsegments, payload.array());
  }

  private static int payloadBytes(List<Group> groups) {
    long bytes = 0;
    for (Group group : groups) {
      bytes += SpanFrames.length(group.count, group.bytes);
    }
    return Math.toIntExact(bytes);
  }

  private static int comparePositions(Span a, Span b) {
    int order = Integer.compare(a.partition(), b.partition());
    if (order == 0) {
      order = Long.compare(a.offset(), b.offset());
    }
    return order != 0 ? order : Integer.compare(a.index(), b.index());
  }

  /** A span and its place in the subsegments. */
  private static final class Member {
    final Span span;
    int subsegment;
    int index;

    /** The next of its group, until that is closed. */
    Member next;

    Member(Span span) {
      this.span = span;
    }
  }

  private static final class Group {
    final int number;
    final long topmostParent;
    Member first;
    Member last;
    int count;
    long bytes;
    long latest = Long.MIN_VALUE;

    Group(int number, long topmostParent) {
      this.number = number;
      this.topmostParent = topmostParent;
    }

    boolean takes(Span span, SubsegmentGrouping limits) {
      return count == 0
          || span.timestamp() - latest <= limits.maxGap
              && bytes + span.record().length <= limits.maxBytes;
    }

    void add(Member member) {
      member.subsegment = number;
      if (first == null) {
        first = member;
      } else {
        last.next = member;
      }
      last = member;
      count++;
      bytes += member.span.record().length;
      latest = Math.max(latest, member.span.timestamp());
    }

    /** Lays out the spans at the position of {@code payload}. */
    UnstoredSubsegment close(int layouts, ByteBuffer payload) {
      Member[] members = sorted();
      int[] partitions = new int[count];
      long[] offsets = new long[count];
      int[] indexes = new int[count];
      long[] spanIds = new long[count];
      int offset = payload.position();
      boolean root = false;
      for (int i = 0; i < count; i++) {
        Member member = members[i];
        member.index = i;
        partitions[i] = member.span.partition();
        offsets[i] = member.span.offset();
        indexes[i] = member.span.index();
        spanIds[i] = member.span.spanId();
        root |= member.span.root();
        SpanFrames.write(member.span, payload);
      }
      SourcePositions positions = SourcePositions.of(partitions, offsets, indexes);
      long id = MurmurHash3.hash128x64(positions.encoded())[0];
      Subsegment subsegment =
          new Subsegment(
              id,
              topmostParent,
              root,
              count,
              bytes,
              0,
              layouts,
              members[0].span.organizationId(),
              positions);
      return new UnstoredSubsegment(subsegment, offset, payload.position() - offset, spanIds);
    }

    private Member[] sorted() {
      Member[] members = new Member[count];
      int filled = 0;
      for (Member member = first; member != null; member = member.next) {
        members[filled++] = member;
      }
      Arrays.sort(members, BY_POSITION);
      return members;
    }
  }
}

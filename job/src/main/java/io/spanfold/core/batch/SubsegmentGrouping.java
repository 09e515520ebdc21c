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
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.codec.digest.MurmurHash3;

/**
 * Groups one trace's spans of a batch by their topmost parent. Spans of one group certainly belong
 * to one segment. Pure and stateless.
 *
 * @param maxGap a group is divided where its spans are further apart in record time than this
 *     (milliseconds), as a deadline may fall in between; the fold would cope with it, but two parts
 *     would have to share a payload
 * @param maxBytes a group is divided where its records would come to more, so that a part can be
 *     closed near its size
 * @param layouts which layouts the subsegments are to be stored in, as bits of {@code
 *     PayloadLayout}: kept with them, as the job may not live to tell which it began with
 */
public record SubsegmentGrouping(long maxGap, long maxBytes, int layouts) implements Serializable {

  private static final Comparator<Placed> BY_POSITION =
      Comparator.comparingInt((Placed placed) -> placed.span.partition())
          .thenComparingLong(placed -> placed.span.offset());

  /**
   * Returns {@code spans}, which are all of {@code trace} and in the order in which they came, as
   * subsegments.
   */
  public TraceSpans group(TraceKey trace, List<Span> spans) {
    long[] tops = TopmostParents.of(spans);
    List<Group> groups = new ArrayList<>();
    Map<Long, Group> open = new HashMap<>();
    Placed[] placed = new Placed[spans.size()];
    for (int row = 0; row < placed.length; row++) {
      Span span = spans.get(row);
      Group group = open.get(tops[row]);
      if (group == null || !group.takes(span, this)) {
        group = new Group(groups.size(), tops[row]);
        groups.add(group);
        open.put(tops[row], group);
      }
      placed[row] = new Placed(span, group.number);
      group.add(placed[row]);
    }
    List<UnstoredSubsegment> subsegments = new ArrayList<>(groups.size());
    for (Group group : groups) {
      subsegments.add(group.close(layouts));
    }
    SpanColumns columns = new SpanColumns(placed.length);
    for (Placed each : placed) {
      Span span = each.span;
      columns.add(
          span.spanId(),
          span.parentId(),
          span.root(),
          span.timestamp(),
          span.record().length,
          each.group,
          each.index);
    }
    return new TraceSpans(trace, columns, subsegments);
  }

  /** A span, the group it fell to, and its place there. */
  private static final class Placed {
    final Span span;
    final int group;
    int index;

    Placed(Span span, int group) {
      this.span = span;
      this.group = group;
    }
  }

  private static final class Group {
    final int number;
    final long topmostParent;
    final List<Placed> members = new ArrayList<>();
    long bytes;
    long latest = Long.MIN_VALUE;

    Group(int number, long topmostParent) {
      this.number = number;
      this.topmostParent = topmostParent;
    }

    boolean takes(Span span, SubsegmentGrouping limits) {
      return members.isEmpty()
          || span.timestamp() - latest <= limits.maxGap
              && bytes + span.record().length <= limits.maxBytes;
    }

    void add(Placed placed) {
      members.add(placed);
      bytes += placed.span.record().length;
      latest = Math.max(latest, placed.span.timestamp());
    }

    UnstoredSubsegment close(int layouts) {
      members.sort(BY_POSITION);
      int count = members.size();
      int[] partitions = new int[count];
      long[] offsets = new long[count];
      long[] spanIds = new long[count];
      List<Span> spans = new ArrayList<>(count);
      boolean root = false;
      for (int i = 0; i < count; i++) {
        Placed placed = members.get(i);
        placed.index = i;
        partitions[i] = placed.span.partition();
        offsets[i] = placed.span.offset();
        spanIds[i] = placed.span.spanId();
        root |= placed.span.root();
        spans.add(placed.span);
      }
      SourcePositions positions = SourcePositions.of(partitions, offsets);
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
              spans.get(0).organizationId(),
              positions);
      return new UnstoredSubsegment(subsegment, SpanFrames.encode(spans), spanIds);
    }
  }
}

package io.spanfold.job.serialization;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.fold.EarlySpans;
import io.spanfold.core.fold.Node;
import io.spanfold.core.fold.ReorderState;
import io.spanfold.core.fold.SegmentState;
import io.spanfold.core.fold.SegmentState.PartState;
import io.spanfold.core.fold.SliceState;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PackedTraceTest {

  private static final int ROUNDS = 300;
  private static final int STEPS = 150;

  /** Random changes, with writing and reading in between, compared with maps. */
  @Test
  void holdsWhatWasPut() throws IOException {
    for (long seed = 0; seed < ROUNDS; seed++) {
      RandomModel random = new RandomModel(seed);
      Model model = new Model(random);
      PackedTrace trace = new PackedTrace();
      for (int step = 0; step < STEPS; step++) {
        model.change(trace);

        if (random.upTo(3) == 0) {
          byte[] packed = trace.write();
          if (random.flag()) {
            // The last trace that was read must leave nothing behind.
            trace = new PackedTrace();
          }
          trace.read(packed);
          assertThat(PackedTrace.dueAt(packed)).as("seed %d", seed).isEqualTo(trace.dueAt());
          assertThat(PackedTrace.isRemembered(packed)).isEqualTo(trace.isRemembered());
          assertThat(trace.isChanged()).as("seed %d", seed).isFalse();
        }
        model.check(trace, "seed " + seed + ", step " + step);
      }
      trace.clear();
      assertThat(trace.isEmpty()).isTrue();
    }
  }

  @Test
  void isDueWhenThePartIsWhoseDeadlineIsFirst() {
    PackedTrace trace = new PackedTrace();
    trace.putSegment(1, segment(2_000, true));
    trace.putSegment(2, segment(3_000, true));
    trace.putSegment(3, segment(1_000, false));
    assertThat(trace.dueAt()).isEqualTo(2_000);
    assertThat(trace.dueSegments(2_000)).containsExactlyInAnyOrder(1L, 3L);
    trace.putReorderState(new ReorderState(1, 1_500, List.of()));
    assertThat(trace.dueAt()).isEqualTo(1_500);
  }

  /** So that it is forgotten as a whole. */
  @Test
  void isDueWhenTheLastSegmentIsForgottenIfNoneHasParts() {
    PackedTrace trace = new PackedTrace();
    trace.putSegment(1, segment(2_000, false));
    trace.putSegment(2, segment(3_000, false));
    assertThat(trace.isRemembered()).isTrue();
    assertThat(trace.dueAt()).isEqualTo(3_000);
  }

  private static SegmentState segment(long timerAt, boolean hasPart) {
    PartState part = hasPart ? new PartState(1, 2, 3, null) : null;
    return new SegmentState(1, true, 1, 1, 1, false, 9_000, timerAt, List.of(), part);
  }

  private static final class Model {
    private static final int GROUPS = 3;

    private final RandomModel random;
    private final Map<Long, Node> nodes = new HashMap<>();
    private final List<List<Long>> groups = new ArrayList<>();
    private final Map<Long, SegmentState> segments = new HashMap<>();
    private final Map<Long, SliceState> slices = new HashMap<>();
    private final Map<Long, Integer> counts = new HashMap<>();
    private final Map<Long, EarlySpans> early = new HashMap<>();
    private final List<Long> keys = new ArrayList<>();
    private ReorderState reorder;

    Model(RandomModel random) {
      this.random = random;
      for (int i = 0; i < 80; i++) {
        keys.add(random.any());
      }
      for (int i = 0; i < GROUPS; i++) {
        groups.add(new ArrayList<>());
      }
    }

    private long key() {
      return keys.get(random.upTo(keys.size() - 1));
    }

    void change(PackedTrace trace) {
      long key = key();
      switch (random.upTo(13)) {
        case 0 -> {
          SegmentState value =
              new SegmentState(
                  random.any(),
                  random.flag(),
                  random.count(),
                  random.any(),
                  random.count(),
                  random.flag(),
                  random.any(),
                  random.any(),
                  List.of(),
                  random.flag() ? null : new PartState(random.any(), 2, 3, null));
          segments.put(key, value);
          trace.putSegment(key, value);
        }
        case 1 -> {
          segments.remove(key);
          trace.removeSegment(key);
        }
        case 2, 3 -> {
          SliceState value = new SliceState(random.subsegment(), null, 0, true);
          slices.put(key, value);
          trace.putSlice(key, value);
        }
        case 4 -> {
          slices.remove(key);
          trace.removeSlice(key);
        }
        case 5 -> {
          int count = random.count();
          counts.put(key, count);
          trace.putReferenceCount(key, count);
        }
        case 6 -> {
          counts.remove(key);
          trace.removeReferenceCount(key);
        }
        case 7 -> {
          EarlySpans spans = new EarlySpans(random.subsegment(), random.columns());
          early.put(spans.subsegment().id(), spans);
          trace.putEarlySpans(spans);
          reorder = new ReorderState(random.any(), random.any(), random.list(random::count));
          trace.putReorderState(reorder);
        }
        case 8 -> {
          assertThat(trace.takeEarlySpans())
              .usingRecursiveFieldByFieldElementComparatorOnFields("subsegment.id")
              .containsExactlyInAnyOrderElementsOf(early.values());
          early.clear();
          reorder = null;
        }
        case 9 -> forget(groups.get(random.upTo(GROUPS - 1)), trace);
        default -> putNode(key, groups.get(random.upTo(GROUPS - 1)), trace);
      }
    }

    /** Nodes of a group refer to one another. */
    private void putNode(long id, List<Long> group, PackedTrace trace) {
      if (nodes.containsKey(id) != group.contains(id)) {
        return;
      }
      if (group.isEmpty() || !group.contains(id)) {
        group.add(id);
        put(id, new Node(id, 0, true, random.flag()), trace);
      }
      long redirect = group.get(random.upTo(group.size() - 1));
      boolean last = random.flag();
      long next = last ? 0 : group.get(random.upTo(group.size() - 1));
      put(id, new Node(redirect, next, last, random.flag()), trace);
    }

    private void put(long id, Node node, PackedTrace trace) {
      nodes.put(id, node);
      trace.putNode(id, node);
    }

    private void forget(List<Long> group, PackedTrace trace) {
      for (long id : group) {
        nodes.remove(id);
        trace.removeNode(id);
      }
      group.clear();
      // It is a change even if there was none.
      trace.removeNode(0xDEADL);
    }

    void check(PackedTrace trace, String when) {
      for (long key : new HashSet<>(keys)) {
        assertThat(trace.node(key)).as(when).isEqualTo(nodes.get(key));
        assertThat(trace.segment(key)).as(when).isEqualTo(segments.get(key));
        assertThat(trace.referenceCount(key)).as(when).isEqualTo(counts.get(key));
        SliceState slice = slices.get(key);
        if (slice == null) {
          assertThat(trace.slice(key)).as(when).isNull();
        } else {
          assertThat(trace.slice(key).subsegment().id()).isEqualTo(slice.subsegment().id());
        }
      }
      assertThat(trace.reorderState()).as(when).isEqualTo(reorder);
      assertThat(trace.isEmpty())
          .as(when)
          .isEqualTo(
              nodes.isEmpty()
                  && segments.isEmpty()
                  && slices.isEmpty()
                  && counts.isEmpty()
                  && early.isEmpty()
                  && reorder == null);
    }
  }
}

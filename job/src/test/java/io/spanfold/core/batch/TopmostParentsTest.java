package io.spanfold.core.batch;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.model.Span;
import io.spanfold.core.model.TraceKey;
import io.spanfold.testing.Spans;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TopmostParentsTest {

  private static final TraceKey TRACE = new TraceKey(7, 8, 9);

  @Test
  void parentsAreFollowedUpToTheRootOrTheMissingParent() {
    for (long seed = 0; seed < 5_000; seed++) {
      List<Span> spans = spans(new Random(seed));
      assertThat(TopmostParents.of(spans)).as("seed %d", seed).isEqualTo(naive(spans));
    }
  }

  @Test
  void aLongChainIsFollowedWithoutRecursion() {
    List<Span> chain = new ArrayList<>();
    int length = 200_000;
    for (int i = 0; i < length; i++) {
      chain.add(Spans.child(TRACE, i + 1, i + 2, 0, i));
    }
    assertThat(TopmostParents.of(chain)).hasSize(length).containsOnly(length + 1);
  }

  /** A few ids, so that duplicates, spans that are their own parents and cycles are frequent. */
  private static List<Span> spans(Random random) {
    int ids = 1 + random.nextInt(12);
    List<Span> spans = new ArrayList<>();
    for (int i = random.nextInt(15); i > 0; i--) {
      long id = 1L + random.nextInt(ids);
      spans.add(
          random.nextInt(4) == 0
              ? Spans.root(TRACE, id, 0, i)
              : Spans.child(TRACE, id, 1 + random.nextInt(ids + 2), 0, i));
    }
    return spans;
  }

  /**
   * Follows the parents of each span. A cycle ends at a span of it that depends on where it was
   * entered first.
   */
  private static long[] naive(List<Span> spans) {
    Map<Long, Span> byId = new HashMap<>();
    spans.forEach(span -> byId.putIfAbsent(span.spanId(), span));
    Map<Span, Long> found = new HashMap<>();
    long[] topmost = new long[spans.size()];
    for (int i = 0; i < topmost.length; i++) {
      Set<Span> path = new HashSet<>();
      Span at = spans.get(i);
      Long top = found.get(at);
      while (top == null) {
        path.add(at);
        Span parent = at.root() ? null : byId.get(at.parentId());
        if (parent == null) {
          top = at.parentId();
        } else if (path.contains(parent)) {
          top = parent.spanId();
        } else {
          at = parent;
          top = found.get(at);
        }
      }
      for (Span span : path) {
        found.put(span, top);
      }
      topmost[i] = top;
    }
    return topmost;
  }
}

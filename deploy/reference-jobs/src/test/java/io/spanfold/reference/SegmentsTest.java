package io.spanfold.reference;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.core.format.RejectedRecordException;
import io.spanfold.core.format.SpanParser;
import io.spanfold.core.model.Span;
import java.util.List;
import org.junit.jupiter.api.Test;

class SegmentsTest {

  private final SpanParser parser = new SpanParser(1 << 20);
  private int offset;

  @Test
  void spansThatShareATopmostSpanOrMissingParentAreASegment() throws Exception {
    Span root = span(1, 0);
    Span child = span(2, 1);
    Span grandchild = span(3, 2);
    Span stray = span(5, 4);
    Span other = span(6, 4);

    assertThat(Segments.of(List.of(grandchild, stray, child, root, other)))
        .containsExactly(List.of(grandchild, child, root), List.of(stray, other));
  }

  @Test
  void aCircleOfParentsEnds() throws Exception {
    assertThat(Segments.of(List.of(span(1, 2), span(2, 1))).stream().mapToInt(List::size).sum())
        .isEqualTo(2);
  }

  @Test
  void aMessageHoldsEverySpanStampedWithTheSegmentsName() throws Exception {
    String message = new String(SegmentJson.of(List.of(span(2, 1), span(1, 0))), UTF_8);

    assertThat(message)
        .startsWith("{\"spans\":[{")
        .endsWith("}]}")
        .contains("\"is_segment\":true")
        .contains("\"is_segment\":false");
    assertThat(message.split("\"value\":\"0000000000000001\"", -1)).hasSize(3);
  }

  /** A parent of 0 makes a root. */
  private Span span(int id, int parent) throws RejectedRecordException {
    String json =
        "{\"organization_id\":1,\"project_id\":1,\"trace_id\":\"%032x\",\"span_id\":\"%016x\","
                .formatted(7, id)
            + "\"parent_span_id\":%s,\"end_timestamp\":1.5}"
                .formatted(parent == 0 ? "null" : "\"%016x\"".formatted(parent));
    return parser.parse(json.getBytes(UTF_8), 0, 0, offset++);
  }
}

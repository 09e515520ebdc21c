package io.spanfold.local.chaos.load;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FlatTracesTest {

  private final FlatTraces traces = new FlatTraces(new Random(1));

  @Test
  void everySpanIsTheRootOrItsChild() {
    List<PlannedRecord> trace = traces.next();

    assertThat(trace).hasSize(3);
    int roots = 0;
    for (PlannedRecord planned : trace) {
      ObjectNode span = LoadFixture.json(planned);
      roots += span.get("parent_span_id").isNull() ? 1 : 0;
      String parent = span.get("parent_span_id").asText();
      assertThat(span.get("parent_span_id").isNull() ? span.get("span_id").asText() : parent)
          .isEqualTo(planned.span().segmentId());
      assertThat(planned.span().trace())
          .isEqualTo(FlatTraces.PROJECT + ":" + span.get("trace_id").asText());
      assertThat(planned.span().spanId()).isEqualTo(span.get("span_id").asText());
    }
    assertThat(roots).isOne();
  }

  @Test
  void theVerifierAcceptsThemInTheirSegment() {
    DeliveryVerifier verifier = new DeliveryVerifier();
    Set<String> names = new HashSet<>();
    for (int i = 0; i < 20; i++) {
      for (PlannedRecord planned : traces.next()) {
        verifier.sent(planned, 1);
        LoadFixture.message(planned).into(verifier);
        names.add(planned.span().trace());
      }
    }

    assertThat(verifier.report(2).isGood()).isTrue();
    assertThat(verifier.report(2).spans()).isEqualTo(60);
    assertThat(names).hasSize(20);
  }
}

package io.spanfold.local.replay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SourceFieldsTest {

  @Test
  void readsTraceSpanAndTimeInAnyOrder() {
    SourceFields fields =
        of(
            "{\"attributes\":{\"trace_id\":{\"value\":\"no\"}},\"received\":1661150059.366736,"
                + "\"links\":[{\"span_id\":\"no\"}],\"span_id\":\"s\",\"project_id\":7,\"trace_id\":\"t-t\"}");

    assertThat(fields.traceId()).hasValue("t-t");
    assertThat(fields.spanKey()).hasValue("7:tt:s");
    assertThat(fields.receivedMillis()).hasValue(1_661_150_059_367L);
  }

  @Test
  void theSameSpanHasTheSameKeyInEverySpelling() {
    String lower =
        "{\"project_id\":7,\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\",\"span_id\":\"00f067aa0ba902b7\"}";
    String upper =
        "{\"project_id\":7,\"trace_id\":\"0AF76519-16CD-43DD-8448-EB211C80319C\",\"span_id\":\"00F067AA0BA902B7\"}";

    assertThat(of(upper).spanKey()).isPresent().isEqualTo(of(lower).spanKey());
  }

  @Test
  void otherLinesHaveNoFields() {
    for (String line : new String[] {"", "no", "[1]", "{\"trace_id\":\"t\",", "{\"received\":"}) {
      SourceFields fields = of(line);
      assertThat(fields.traceId()).as(line).isEmpty();
      assertThat(fields.receivedMillis()).as(line).isEmpty();
    }
    assertThat(SourceFields.of(new byte[] {(byte) 0xff, 0}).traceId()).isEmpty();
  }

  @Test
  void ignoresTimesThatKafkaRefuses() {
    for (String time : new String[] {"-1", "1e300", "\"5\"", "null", "[1]", "{\"a\":2}"}) {
      SourceFields fields = of("{\"received\":" + time + ",\"trace_id\":\"t\"}");
      assertThat(fields.receivedMillis()).as(time).isEmpty();
      assertThat(fields.traceId()).as(time).hasValue("t");
    }
  }

  @Test
  void readsDeeplyNestedRecords() {
    String nested = "{\"a\":" + "[".repeat(50_000) + "]".repeat(50_000) + ",\"received\":1}";

    assertThat(of(nested).receivedMillis()).hasValue(1_000);
  }

  private static SourceFields of(String line) {
    return SourceFields.of(line.getBytes(UTF_8));
  }
}

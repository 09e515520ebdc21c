package io.spanfold.core.fold;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.spanfold.core.format.RejectedRecordException;
import io.spanfold.core.format.SpanParser;
import io.spanfold.core.model.Span;
import io.spanfold.testing.HostileKind;
import io.spanfold.testing.HostileRecords;
import io.spanfold.testing.HostileRecords.Sample;
import io.spanfold.testing.HostileTable;
import io.spanfold.testing.NaiveFold;
import io.spanfold.testing.NaiveFold.Flushed;
import io.spanfold.testing.RandomTraces;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Tens of thousands of hostile records through the parser and the fold; a million with {@code
 * -Dspanfold.hostile.records=1000000}.
 */
@Timeout(3_600)
class HostileRecordsTest {

  private static final int RECORDS = Integer.getInteger("spanfold.hostile.records", 50_000);
  private static final int MAX_RECORD_BYTES = 1 << 20;
  private static final long NOW = 1_700_000_000_000L;

  private static final FoldSettings SETTINGS =
      new FoldSettings(60_000, 10_000, 100_000, 30_000, Long.MAX_VALUE);

  private final SpanParser parser = new SpanParser(MAX_RECORD_BYTES);
  private final HostileTable table = new HostileTable();
  private final Random random = new Random(2);

  @Test
  void eachRecordIsRejectedForItsFaultOrIsInOnePartOrIsADuplicate() {
    HostileRecords records =
        new HostileRecords(
            1,
            MAX_RECORD_BYTES,
            2_000,
            NOW,
            Long.MIN_VALUE,
            -1,
            0,
            1,
            NOW - 100_000,
            NOW + 120_000,
            Long.MAX_VALUE);
    int made = 0;
    while (made < RECORDS) {
      List<Sample> scene = records.next();
      made += scene.size();
      check(scene);
    }
    System.out.println(table);
    assertThat(table.hasAllKinds()).isTrue();
  }

  private void check(List<Sample> scene) {
    Map<Long, HostileKind> kinds = new LinkedHashMap<>();
    Map<Object, List<Span>> traces = new LinkedHashMap<>();
    for (Sample sample : scene) {
      Span span = parse(sample);
      if (span != null) {
        kinds.put(sample.number(), sample.kind());
        traces.computeIfAbsent(span.trace(), trace -> new ArrayList<>()).add(span);
      }
    }
    for (List<Span> spans : traces.values()) {
      Set<Long> out = fold(spans);
      for (Span span : spans) {
        String end = out.contains(span.offset()) ? "out" : "duplicate";
        table.add(kinds.get(span.offset()), end);
      }
    }
  }

  /** Checks the parsed span and returns it; null for a rejected record. */
  private Span parse(Sample sample) {
    // The source bounds record times further; the fold must survive any.
    long timestamp = sample.timestamp() < 0 ? NOW : Math.min(sample.timestamp(), NOW + 60_000);
    try {
      Span span = parser.parse(sample.value(), timestamp, 0, sample.number());
      // By equals first: a million assertions would dominate the duration of the test.
      if (sample.span() == null || !same(span, sample.span())) {
        fail("%s %d is %s", sample.kind(), sample.number(), span);
      }
      return RandomTraces.at(sample.span(), timestamp, 0, sample.number());
    } catch (RejectedRecordException e) {
      if (!sample.reasons().contains(e.reason().label()) || e.getMessage().length() > 1_000) {
        fail("%s %d is rejected: %s", sample.kind(), sample.number(), e.getMessage());
      }
      table.add(sample.kind(), e.reason().label());
      return null;
    }
  }

  private static boolean same(Span span, Span expected) {
    return span.trace().equals(expected.trace())
        && span.spanId() == expected.spanId()
        && span.parentId() == expected.parentId()
        && span.root() == expected.root();
  }

  /** Folds a trace in any batches, and returns the offsets of the spans in its parts. */
  private Set<Long> fold(List<Span> unordered) {
    // The clock of one partition never goes back.
    List<Span> spans = new ArrayList<>(unordered);
    spans.sort((one, other) -> Long.compare(one.timestamp(), other.timestamp()));
    NaiveFold oracle = new NaiveFold(SETTINGS);
    spans.forEach(oracle::add);
    oracle.end();
    FoldHarness fold = new FoldHarness(SETTINGS);
    for (int from = 0; from < spans.size(); ) {
      int to = Math.min(spans.size(), from + 1 + random.nextInt(8));
      fold.add(spans.subList(from, to));
      from = to;
    }
    fold.end();
    Set<Flushed> parts =
        fold.parts.stream()
            .map(
                part ->
                    new Flushed(
                        part.segmentId(), part.partNumber(), Set.copyOf(fold.spansOf(part))))
            .collect(Collectors.toSet());
    assertThat(parts).isEqualTo(new HashSet<>(oracle.flushed));
    assertThat(fold.duplicates).isEqualTo(oracle.duplicates);
    assertThat(fold.state.isEmpty()).as("state left behind").isTrue();
    return parts.stream()
        .flatMap(part -> part.spans().stream())
        .map(Span::offset)
        .collect(Collectors.toSet());
  }
}

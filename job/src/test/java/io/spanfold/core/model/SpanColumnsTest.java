package io.spanfold.core.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SpanColumnsTest {

  private record Row(
      long spanId,
      long parentId,
      boolean root,
      long timestamp,
      int bytes,
      int subsegment,
      int index) {}

  @Test
  void everyRowReadsAsItWasAdded() {
    for (long seed = 0; seed < 500; seed++) {
      Random random = new Random(seed);
      List<Row> rows = new ArrayList<>();
      SpanColumns columns = new SpanColumns(random.nextInt(5));
      for (int i = random.nextInt(20); i > 0; i--) {
        Row row = row(random);
        rows.add(row);
        add(columns, row);
      }
      assertThat(rows(columns)).as("seed %d", seed).isEqualTo(rows);

      SpanColumns copy = new SpanColumns(0);
      List<Row> moved = new ArrayList<>();
      for (int i = 0; i < rows.size(); i++) {
        Row row = rows.get(i);
        copy.addFrom(columns, i, i);
        moved.add(
            new Row(row.spanId, row.parentId, row.root, row.timestamp, row.bytes, i, row.index));
      }
      assertThat(rows(copy)).as("seed %d", seed).isEqualTo(moved);
    }
  }

  private static Row row(Random random) {
    return new Row(
        random.nextLong(),
        random.nextLong(),
        random.nextBoolean(),
        random.nextLong(),
        atLeastZero(random),
        atLeastZero(random),
        atLeastZero(random));
  }

  /** Often 0 or the maximum. */
  private static int atLeastZero(Random random) {
    return switch (random.nextInt(4)) {
      case 0 -> 0;
      case 1 -> Integer.MAX_VALUE;
      default -> random.nextInt(Integer.MAX_VALUE);
    };
  }

  private static void add(SpanColumns columns, Row row) {
    columns.add(
        row.spanId, row.parentId, row.root, row.timestamp, row.bytes, row.subsegment, row.index);
  }

  private static List<Row> rows(SpanColumns columns) {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < columns.size(); i++) {
      rows.add(
          new Row(
              columns.spanId(i),
              columns.parentId(i),
              columns.root(i),
              columns.timestamp(i),
              columns.recordBytes(i),
              columns.subsegment(i),
              columns.index(i)));
    }
    return rows;
  }
}

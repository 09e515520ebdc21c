package io.spanfold.job.sink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.job.serialization.StateType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Random;
import java.util.stream.LongStream;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

class EncodedItemsTest {

  private final Random random = new Random(5);

  @Test
  void areDecodedAsTheyWereAddedHoweverOften() throws IOException {
    for (int round = 0; round < 10; round++) {
      List<Receipt> receipts = receipts(random.nextInt(20));
      EncodedItems<Receipt> items = EncodedItems.of(StateType.RECEIPT, receipts);

      assertThat(items.size()).isEqualTo(receipts.size());
      assertThat(items.isEmpty()).isEqualTo(receipts.isEmpty());
      for (int pass = 0; pass < 2; pass++) {
        assertThat(items)
            .usingRecursiveFieldByFieldElementComparator()
            .containsExactlyElementsOf(receipts);
      }
    }
  }

  @Test
  void areReadAsTheyWereWritten() throws IOException {
    for (int round = 0; round < 10; round++) {
      List<Receipt> receipts = receipts(random.nextInt(20));
      DataOutputSerializer out = new DataOutputSerializer(64);
      EncodedItems.of(StateType.RECEIPT, receipts).write(out);
      DataInputDeserializer in = new DataInputDeserializer(out.getCopyOfBuffer());

      assertThat(EncodedItems.read(StateType.RECEIPT, in))
          .usingRecursiveFieldByFieldElementComparator()
          .containsExactlyElementsOf(receipts);
      assertThat(in.available()).as("bytes left over").isZero();
    }
  }

  @Test
  void cursorKnowsWhatItHasNotDecodedYet() throws IOException {
    EncodedItems<Receipt> rest = TestParts.receipts(LongStream.range(0, 20));
    int bytes = rest.length();
    List<Long> seen = new ArrayList<>();
    while (!rest.isEmpty()) {
      EncodedItems.Cursor<Receipt> cursor = rest.iterator();
      for (int i = random.nextInt(1, 4); i > 0 && cursor.hasNext(); i--) {
        seen.add(cursor.next().segmentId());
      }
      assertThat(cursor.rest().length()).isLessThan(bytes);
      rest = cursor.rest();
      bytes = rest.length();
      assertThat(rest.size()).isEqualTo(20 - seen.size());
    }
    assertThat(seen).containsExactlyElementsOf(LongStream.range(0, 20).boxed().toList());
    assertThat(bytes).isZero();
    assertThatExceptionOfType(NoSuchElementException.class).isThrownBy(rest.iterator()::next);
  }

  /** As objects they take some 500 bytes and a dozen of objects each. */
  @Test
  void takeFewBytes() throws IOException {
    assertThat(TestParts.receipts(LongStream.range(0, 1_000)).length() / 1_000).isLessThan(150);
  }

  private List<Receipt> receipts(int count) {
    return random.longs(count, 0, 1_000_000).mapToObj(TestParts::receipt).toList();
  }
}

package io.spanfold.job.sink;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.DuePart;
import io.spanfold.core.model.DuePart.Slice;
import io.spanfold.core.model.FlushReason;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.Receipt;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import io.spanfold.core.model.Outcome;
import io.spanfold.core.model.SourcePositions;
import io.spanfold.core.model.Subsegment;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.serialization.StateType;
import io.spanfold.job.sink.TransactionCommittable.Pending;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.apache.flink.api.common.typeinfo.TypeInformation;

/** Parts that follow from a number, which is also their segment id and their only span's. */
final class TestParts {

  static final TypeInformation<FlushedPart> TYPE = StateType.FLUSHED_PART;

  private static final int LOST_EVERY = 10;

  private TestParts() {}

  /** Returns a part of one to three messages, or for every tenth number of none but an outcome. */
  static FlushedPart of(long number) {
    List<SegmentMessage> messages = new ArrayList<>();
    List<String> flushIds = flushIds(number);
    for (int i = 0; i < flushIds.size(); i++) {
      String value = "{\"flush_id\":\"" + flushIds.get(i) + "\",\"spans\":[]}";
      messages.add(new SegmentMessage(flushIds.get(i), value.getBytes(UTF_8), i, flushIds.size()));
    }
    List<Outcome> outcomes =
        lost(number)
            ? List.of(new Outcome(number, 1, number, Outcome.Reason.PAYLOAD_LOST, 1))
            : List.of();
    return new FlushedPart(messages, outcomes, receipt(number));
  }

  static boolean lost(long number) {
    return number % LOST_EVERY == LOST_EVERY - 1;
  }

  static List<String> flushIds(long number) {
    List<String> ids = new ArrayList<>();
    for (int chunk = 0; !lost(number) && chunk <= number % 3; chunk++) {
      ids.add(Hex.id(number) + Hex.id(chunk));
    }
    return ids;
  }

  static Receipt receipt(long number) {
    Subsegment subsegment =
        new Subsegment(
            ~number,
            number,
            true,
            1,
            2000,
            500,
            2,
            -1,
            SourcePositions.of(new int[] {3}, new long[] {number}, new int[] {(int) (number % 3)}));
    DuePart candidate =
        new DuePart(
            new TraceKey(number, number * 31, ~number),
            number,
            (int) (number % 2),
            FlushReason.values()[(int) (number % FlushReason.values().length)],
            number,
            false,
            List.of(new Slice(subsegment, null, true)));
    return new Receipt(candidate, 1 << 20, flushIds(number), new long[] {number});
  }

  static EncodedItems<Receipt> receipts(LongStream numbers) throws IOException {
    return EncodedItems.of(StateType.RECEIPT, numbers.mapToObj(TestParts::receipt).toList());
  }

  static <T> Pending<T> nothingPending() {
    return new Pending<>("task", List.of());
  }

  /** Makes parts again as they were. */
  static class Again implements SegmentStrategy.Rebuild {
    @Override
    public void rebuild(List<Receipt> receipts, Consumer<FlushedPart> parts) throws IOException {
      receipts.forEach(receipt -> parts.accept(of(receipt.segmentId())));
    }

    @Override
    public void close() {}
  }
}

package io.spanfold.job.serialization;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Writes {@link FlushedPart}s; used only where the sink is not chained to the flush. */
public final class FlushedPartCodec implements Codec<FlushedPart> {

  private static final long serialVersionUID = 1L;

  private final MessageCodec messages = new MessageCodec();
  private final OutcomeCodec outcomes = new OutcomeCodec();
  private final ReceiptCodec receipts = new ReceiptCodec();

  @Override
  public int version() {
    return 1;
  }

  @Override
  public void write(FlushedPart part, DataOutput out) throws IOException {
    Lists.write(part.messages(), messages, out);
    Lists.write(part.outcomes(), outcomes, out);
    receipts.write(part.receipt(), out);
  }

  @Override
  public FlushedPart read(int version, DataInput in) throws IOException {
    return new FlushedPart(
        Lists.read(messages, 1, in), Lists.read(outcomes, 1, in), receipts.read(1, in));
  }

  private static final class MessageCodec implements Codec<SegmentMessage> {

    private static final long serialVersionUID = 1L;

    @Override
    public int version() {
      return 1;
    }

    @Override
    public void write(SegmentMessage message, DataOutput out) throws IOException {
      VarInts.writeBytes(message.flushId().getBytes(US_ASCII), out);
      VarInts.writeBytes(message.value(), out);
      VarInts.write(message.chunkNumber(), out);
      VarInts.write(message.chunkCount(), out);
    }

    @Override
    public SegmentMessage read(int version, DataInput in) throws IOException {
      return new SegmentMessage(
          new String(VarInts.readBytes(in), US_ASCII),
          VarInts.readBytes(in),
          VarInts.readInt(in),
          VarInts.readInt(in));
    }
  }
}

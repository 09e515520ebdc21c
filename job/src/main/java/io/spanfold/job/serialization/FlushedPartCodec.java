package io.spanfold.job.serialization;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.core.encoding.VarInts;
import io.spanfold.core.model.FlushedPart;
import io.spanfold.core.model.FlushedPart.SegmentMessage;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/** Only used if the sink is not chained to the flush. */
final class FlushedPartCodec implements Codec<FlushedPart> {

  private final MessageCodec messages = new MessageCodec();
  private final OutcomeCodec outcomes = new OutcomeCodec();
  private final ReceiptCodec receipts = new ReceiptCodec();

  @Override
  public void write(FlushedPart part, DataOutput out) throws IOException {
    Lists.write(part.messages(), messages, out);
    Lists.write(part.outcomes(), outcomes, out);
    receipts.write(part.receipt(), out);
  }

  @Override
  public FlushedPart read(int version, DataInput in) throws IOException {
    return new FlushedPart(
        Lists.read(messages, version, in),
        Lists.read(outcomes, version, in),
        receipts.read(version, in));
  }

  private static final class MessageCodec implements Codec<SegmentMessage> {

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
